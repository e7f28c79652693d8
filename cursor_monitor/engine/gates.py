"""What accepted work must pass beside the agent's own word: the checks of its head, and the paths nobody may touch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from cursor_monitor.domain.budgets import CHECKS_UNKNOWN
from cursor_monitor.domain.code_host import CodeHostFacts
from cursor_monitor.domain.orchestration import Attempt, Options, RunFacts, Snapshot
from cursor_monitor.domain.text import storable

CHECKS_WAIT_MINUTES = 60.0
_SHOWN = 10
_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Waits:
    """The work cannot be judged yet; at `until` a person is asked."""

    until: datetime
    why: str


def host_facts(attempt: Attempt, run: RunFacts) -> CodeHostFacts | None:
    """What the code host said since the run ended; what it said before is of older work."""
    facts = attempt.code_host
    if facts is None or (run.ended_at is not None and facts.observed_at < run.ended_at):
        return None
    return facts


def red_checks(facts: CodeHostFacts | None) -> tuple[str, ...]:
    """The checks that failed, by name."""
    if facts is None or facts.checks != "failed":
        return ()
    return tuple(storable(name)[:_LENGTH] for name in facts.failed_checks[:_SHOWN]) or ("a check without a name",)


def awaited_checks(s: Snapshot, attempt: Attempt, run: RunFacts) -> Waits | None:
    """What required checks are waited for; None where none are required, all are known, or a person goes on without."""
    options = s.options
    if not (options.require_checks or options.required_checks) or CHECKS_UNKNOWN in s.warned:
        return None
    until = (run.ended_at or run.started_at) + timedelta(minutes=CHECKS_WAIT_MINUTES)
    facts = host_facts(attempt, run)
    if facts is None:
        return Waits(until, "the code host has not said how its checks are")
    missing = [name for name in options.required_checks if name not in facts.passed_checks]
    if missing:
        return Waits(until, f"these checks have not passed: {', '.join(missing[:_SHOWN])}")
    if facts.checks != "passed":
        return Waits(until, f"its checks are {facts.checks}")
    return None


def touched_paths(options: Options, attempt: Attempt, run: RunFacts) -> tuple[str, ...]:
    """The protected files that the work changes, by the code host's word and the agent's own."""
    facts = host_facts(attempt, run)
    named = [*(facts.files if facts else ()), *(run.report.files if run.report else ())]
    hit = [name for name in dict.fromkeys(named) if is_protected(options.protected_paths, name)]
    return tuple(storable(name)[:_LENGTH] for name in hit[:_SHOWN])


def is_protected(patterns: tuple[str, ...], name: str) -> bool:
    """True where a pattern names the file or a folder above it."""
    path = name.removeprefix("./").lstrip("/")
    return any(
        fnmatchcase(path, pattern) or path == pattern.rstrip("/") or path.startswith(pattern.rstrip("/") + "/")
        for pattern in patterns
    )
