"""The key of a draft decides whether a launch is done once or twice, so only a real one counts."""

from __future__ import annotations

import pytest

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.state.drafts import key_of, words_of


@pytest.mark.parametrize("key", [None, "", "short", "A" * 32, "0" * 33, "0" * 31 + "\n", 7, ["0" * 32]])
def test_what_is_no_key_is_not_taken(key: object) -> None:
    assert key_of({"draft_key": key}, "mine") == "mine"
    assert key_of({}, "mine") == "mine"


def test_a_draft_brings_its_key() -> None:
    assert key_of({"draft_key": "0123456789abcdef" * 2}, "mine") == "0123456789abcdef" * 2


def test_what_was_launched_with_other_words_is_said_for_a_person() -> None:
    assert "launched before" in words_of(Conflict("Idempotency-Key …", code="idempotency_conflict"))
    assert words_of(Conflict("It is over.", code="not_possible")) == "It is over."
