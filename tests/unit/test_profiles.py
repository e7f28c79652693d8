"""Profiles of repositories: which names fit, where agents may start, where none may push."""

from __future__ import annotations

import pytest

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import Options, PlanTask
from cursor_monitor.domain.profiles import (
    Profile,
    check_bases,
    check_push,
    name_of,
    parse_pattern,
    why_no_base,
    with_rules,
)

RELEASES = Profile("github.com/acme/*", base_branches=("main", "release/*"), protected_branches=("main", "release/*"))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("acme/web", "github.com/acme/web"),
        (" https://github.com/Acme/Web.git ", "github.com/acme/web"),
        ("acme/*", "github.com/acme/*"),
        ("*/web", "github.com/*/web"),
        ("*", "*"),
        ("gitlab.com/group/sub/*", "gitlab.com/group/sub/*"),
    ],
)
def test_a_pattern_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert parse_pattern(typed) == kept


@pytest.mark.parametrize("typed", ["", "acme", "acme/we%b", "acme/web\n", "a" * 300, "acme//web", None, 5, "'; DROP"])
def test_what_names_no_repository_is_refused(typed: object) -> None:
    if typed == "acme/web\n":
        assert parse_pattern(typed) == "github.com/acme/web"
        return
    with pytest.raises(Invalid, match="pattern: must be a repository or a pattern") as caught:
        parse_pattern(typed)
    assert caught.value.field == "pattern"


def test_names_are_compared_without_case_and_scheme() -> None:
    assert name_of("https://github.com/Acme/Web") == "github.com/acme/web"


@pytest.mark.parametrize(
    ("ref", "why"), [("main", None), ("release/2", None), ("dev", "'dev' is not allowed"), (None, "is missing")]
)
def test_agents_start_from_allowed_branches_only(ref: str | None, why: str | None) -> None:
    found = why_no_base(RELEASES, ref)
    assert found is None if why is None else (found or "").startswith(why)
    assert why_no_base(Profile("*"), ref) is None


def test_a_refusal_names_the_field_and_the_rule() -> None:
    tasks = [PlanTask("a", "A", "Do it."), PlanTask("b", "B", "Do it.", ref="dev")]
    with pytest.raises(Invalid, match=r"profile acme/\* lets agents start from main, release/\* only") as caught:
        check_bases(RELEASES, "main", tasks)
    assert caught.value.field == "tasks[1].ref"


@pytest.mark.parametrize(("ref", "says"), [("release/2", "is protected"), (None, "the default branch")])
def test_nobody_pushes_to_a_protected_branch(ref: str | None, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        check_push(RELEASES, ref)
    assert caught.value.field == "work_on_current_branch"
    check_push(RELEASES, "feature/x")


def test_rules_are_added_and_never_take_any_away() -> None:
    profile = Profile("*", protected_paths=("infra",), required_checks=("ci", "lint"))
    options = with_rules(Options(protected_paths=("docs",), required_checks=("ci",)), profile)
    assert (options.protected_paths, options.required_checks) == (("docs", "infra"), ("ci", "lint"))
    assert with_rules(options, profile) == options


def test_the_first_branch_that_is_no_pattern_is_where_agents_start() -> None:
    assert RELEASES.default_base == "main"
    assert Profile("*", base_branches=("release/*",)).default_base is None
