"""What holds for work in some repositories: pure checks of branches, and rules that every request there gets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import Options, PlanTask

PATTERN_LIMIT = 255
_PATTERN = re.compile(r"\*|[a-z0-9*][a-z0-9_.*:-]*(?:/[a-z0-9_.*-]+)+")
_GITHUB = "github.com/"
HEAD_UNKNOWN = (
    "the branch of a pull request can be held against protected branches only with a token for its code host "
    "(GITHUB_TOKEN); add one, or leave this out, so that the agent makes a branch of its own"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules for the repositories that fit `pattern`, of which * stands for any text."""

    pattern: str
    base_branches: tuple[str, ...] = ()  # agents start from one of these; empty: from any
    protected_branches: tuple[str, ...] = ()  # no agent pushes to these
    protected_paths: tuple[str, ...] = ()  # no accepted work changes these
    required_checks: tuple[str, ...] = ()  # work is accepted only once these have passed
    max_parallel_agents: int | None = None  # tasks at work at once, in each of the repositories
    default_model: str | None = None
    default_options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The pattern as people write it."""
        return self.pattern.removeprefix(_GITHUB)

    @property
    def default_base(self) -> str | None:
        """Where agents start if nobody says: the first branch that is no pattern."""
        return next((name for name in self.base_branches if not _is_pattern(name)), None)


def parse_pattern(value: object) -> str:
    """`owner/repo`, `owner/*` or a host before them as it is kept; raises Invalid for anything else."""
    text = value.strip().lower() if isinstance(value, str) else ""
    text = text.removeprefix("https://").removesuffix("/").removesuffix(".git")
    if not text or len(text) > PATTERN_LIMIT or not _PATTERN.fullmatch(text):
        raise Invalid("pattern", "must be a repository or a pattern of them, such as acme/web, acme/* or *")
    host = text.partition("/")[0]
    return text if text == "*" or "." in host or ":" in host else f"{_GITHUB}{text}"


def name_of(repository: str) -> str:
    """What patterns are held against."""
    return repository.removeprefix("https://").lower()


def why_no_base(profile: Profile, ref: str | None) -> str | None:
    """Why agents may not start from there, as the end of a sentence about the branch; None where they may."""
    if not profile.base_branches or (ref is not None and _fits(ref, profile.base_branches)):
        return None
    allowed = ", ".join(profile.base_branches[:8])
    said = "is missing" if ref is None else f"{ref[:80]!r} is not allowed"
    return f"{said}: the profile {profile.shown} lets agents start from {allowed} only; name one of these"


def check_bases(profile: Profile, ref: str | None, tasks: Sequence[PlanTask]) -> None:
    """Raise Invalid for the first branch that nobody may start from; tasks that wait for others start from theirs."""
    if why := why_no_base(profile, ref):
        raise Invalid("ref", why)
    for index, task in enumerate(tasks):
        if task.ref is not None and (why := why_no_base(profile, task.ref)):
            raise Invalid(f"tasks[{index}].ref", why)


def check_push(profile: Profile, ref: str | None) -> None:
    """Raise Invalid where an agent would push to a branch that is protected, or to one that is not known."""
    if not profile.protected_branches:
        return
    end = "leave it out, so that the agent makes a branch of its own"
    if ref is None:
        what = f"would push to the default branch, which the profile {profile.shown} may protect; name a branch, or"
        raise Invalid("work_on_current_branch", f"{what} {end}")
    if _fits(ref, profile.protected_branches):
        raise Invalid("work_on_current_branch", f"{ref[:80]!r} is protected by the profile {profile.shown}; {end}")


def with_rules(options: Options, profile: Profile) -> Options:
    """The same options, and what the profile asks for beside them."""
    return replace(
        options,
        required_checks=_together(options.required_checks, profile.required_checks),
        protected_paths=_together(options.protected_paths, profile.protected_paths),
    )


def _together(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")
