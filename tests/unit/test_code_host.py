"""What checks amount to, where an agent's work is, and when to look again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.domain.code_host import (
    CHECKS,
    PR_STATES,
    Check,
    Target,
    seconds_to_next_look,
    summarise,
    target_of,
)

checks = st.builds(
    Check,
    name=st.sampled_from(["build", "test"]),
    status=st.sampled_from(["pending", "completed"]),
    conclusion=st.sampled_from(["success", "neutral", "skipped", "failure", "cancelled", "dreaming"]) | st.none(),
    url=st.none(),
)


@given(seen=st.lists(checks), is_whole=st.booleans())
def test_checks_pass_only_where_all_of_them_are_known_and_green(seen: list[Check], is_whole: bool) -> None:
    word = summarise(seen, is_whole=is_whole)
    green = [c for c in seen if c.status == "completed" and c.conclusion in ("success", "neutral", "skipped")]
    assert (word == "passed") == (bool(seen) and is_whole and len(green) == len(seen))
    assert (word == "failed") == any(c.is_red for c in seen)
    assert word != "none" or (not seen and is_whole)


@pytest.mark.parametrize(
    ("repository", "pr_url", "expected"),
    [
        ("https://github.com/acme/shop", None, Target("acme/shop", "b", None, "main")),
        ("github.com/acme/shop.git", None, Target("acme/shop", "b", None, "main")),
        ("https://github.com/acme/shop", "https://github.com/acme/other/pull/7", Target("acme/other", "b", 7, "main")),
        ("https://gitlab.com/acme/shop", "https://gitlab.com/acme/shop/-/merge_requests/7", None),
        ("https://github.com/acme/..", None, None),
        ("https://github.com/acme/shop/tree/main", None, None),
        ("https://github.com.evil.example/acme/shop", None, None),
        ("https://[", "https://github.com/acme/shop/pull/x", None),
        (None, None, None),
    ],
)
def test_where_an_agents_work_is(repository: str | None, pr_url: str | None, expected: Target | None) -> None:
    assert target_of(repository, "b", pr_url, "main", "github.com") == expected


@given(
    word=st.sampled_from(CHECKS),
    pr_state=st.none() | st.sampled_from(PR_STATES),
    is_working=st.booleans(),
    age=st.floats(0, 10**7),
    pace=st.floats(0.01, 600),
)
def test_looks_are_never_more_frequent_than_the_pace_and_end(
    word: str, pr_state: str | None, is_working: bool, age: float, pace: float
) -> None:
    wait = seconds_to_next_look(checks=word, pr_state=pr_state, is_working=is_working, age=age, pace=pace)
    assert wait is None or pace <= wait <= pace * 240
    if age > 15 * 86_400:
        assert wait is None
    elif word == "pending" and age < 13 * 86_400:
        assert wait is not None
    elif word != "pending" and pr_state == "merged" and not is_working:
        assert wait is None


def test_pending_checks_are_looked_at_soon() -> None:
    waits = [
        seconds_to_next_look(checks="pending", pr_state="open", is_working=False, age=age, pace=15.0)
        for age in (0, 150, 300, 3600)
    ]
    assert waits == [15.0, 15.0, 30.0, 360.0]
