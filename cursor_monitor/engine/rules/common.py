"""Shared by the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Attempt, Snapshot, Task
from cursor_monitor.domain.status import (
    AttemptStatus,
    OrchestrationStatus,
    TaskStatus,
)

Events = Sequence[e.Event]


def live(s: Snapshot) -> list[tuple[Task, Attempt]]:
    """The attempts under way, the planner's among them, each with its task."""
    return [(task, a) for task in s.worked_on for a in task.attempts if a.is_live]


def deadline(s: Snapshot, started_at: datetime) -> datetime:
    """When a run that began then is stuck."""
    return started_at + timedelta(hours=s.options.timeout_hours)


def attempt_ended(
    task: Task,
    attempt: Attempt,
    status: AttemptStatus,
    now: datetime,
    code: str | None = None,
    error: str | None = None,
    *,
    may_retry: bool = False,
) -> e.Event:
    """The end of one attempt."""
    return e.AttemptEnded(
        at=now,
        task_key=task.key,
        agent_id=attempt.agent_id,
        status=status,
        code=code,
        error=error,
        may_retry=may_retry,
    )


def ended(
    s: Snapshot,
    status: OrchestrationStatus,
    now: datetime,
    *,
    code: str | None = None,
    summary: str | None = None,
) -> e.Event:
    """The end of the orchestration, with the scores of its tasks taken together."""
    scores = [t.quality_score for t in s.results if t.quality_score is not None]
    coverages = [t.quality_coverage or 0 for t in s.results if t.status is TaskStatus.COMPLETED]
    return e.OrchestrationEnded(
        at=now,
        status=status,
        quality_score=round(sum(scores) / len(scores)) if scores else None,
        quality_coverage=round(sum(coverages) / len(coverages)) if coverages else None,
        error_code=code,
        error_summary=summary,
    )
