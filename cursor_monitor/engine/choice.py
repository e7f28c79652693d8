"""Which of several candidates is the best, and why: by score; where that is the same, by what else is known of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cursor_monitor.domain.orchestration import WORK, Attempt, Task
from cursor_monitor.domain.status import TaskStatus

_LATE = datetime.max.replace(tzinfo=UTC)
_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Best:
    """The candidate to keep, and why it."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Tie:
    """What tells candidates of the same score apart: the smallest value wins, if all of them have one."""

    of: Callable[[Task], float | None]
    words: str


def changed_files(task: Task) -> int | None:
    """How many files its work changes, by the code host, else by its agent's own word; None where nobody says."""
    attempt = task.attempt
    if attempt is None:
        return None
    if attempt.code_host is not None and attempt.code_host.changed_files is not None:
        return attempt.code_host.changed_files
    report = attempt.run.report if attempt.run else None
    return len(report.files) if report and report.files else None


def cost_of(task: Task) -> float | None:
    """What all its agents cost; None where that is not known of each."""
    cents = [_cents(attempt) for attempt in task.attempts]
    known = [value for value in cents if value is not None]
    return sum(known) if known and len(known) == len(cents) else None


_TIES = (
    _Tie(lambda task: -(task.quality_coverage or 0), "more of its evidence is known"),
    _Tie(changed_files, "it changes fewer files"),
    _Tie(cost_of, "it cost less"),
    _Tie(lambda task: (task.completed_at or _LATE).timestamp(), "it was done first"),
)


def best_of(candidates: Sequence[Task]) -> Best:
    """The best of those that completed, of which there is one at the least."""
    done = [task for task in candidates if task.status is TaskStatus.COMPLETED]
    top = max(_score(task) for task in done)
    tied = [task for task in done if _score(task) == top]
    how = ""
    for tie in _TIES:
        if len(tied) == 1:
            break
        tied, how = _narrowed(tied, tie, how)
    kept = tied[0]
    return Best(kept.key, _reason(kept, candidates, len(done), how))


def _narrowed(tied: list[Task], tie: _Tie, how: str) -> tuple[list[Task], str]:
    values = [tie.of(task) for task in tied]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or min(known) == max(known):
        return tied, how
    return [task for task, value in zip(tied, values, strict=True) if value == min(known)], tie.words


def _reason(kept: Task, candidates: Sequence[Task], completed: int, how: str) -> str:
    others = [task for task in candidates if task.key != kept.key]
    against = ", ".join(f"{task.key} {_end(task)}" for task in others[:_SHOWN])
    if completed == 1:
        return f"it alone completed, quality {_word(kept)}; {against}."
    tie = f"; where the score is the same, {how}" if how else ""
    return f"quality {_word(kept)}, against {against}{tie}."


def _end(task: Task) -> str:
    return _word(task) if task.status is TaskStatus.COMPLETED else str(task.status)


def _word(task: Task) -> str:
    return "unknown" if task.quality_score is None else str(task.quality_score)


def _score(task: Task) -> int:
    return -1 if task.quality_score is None else task.quality_score


def _cents(attempt: Attempt) -> float | None:
    never_ran = attempt.run is None and attempt.role == WORK and not attempt.is_live
    return 0.0 if never_ran else attempt.cents
