"""What happened outside is settled, and what is cancelled comes to its end."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Attempt, Snapshot, Task
from cursor_monitor.domain.status import RUN_TERMINAL, TASK_TERMINAL, AttemptStatus, OrchestrationStatus
from cursor_monitor.engine.rules.common import Events, attempt_ended, deadline, ended, live


def cancel_stuck_runs(s: Snapshot, now: datetime) -> Events:
    """Cancel runs without an end for longer than the options allow."""
    stuck = [
        (task, attempt)
        for task, attempt in live(s)
        if _is_under_way(attempt)
        and attempt.run is not None
        and attempt.cancelling_run_id != attempt.run.id
        and now >= deadline(s, attempt.run.started_at)
    ]
    reason = f"no end after {s.options.timeout_hours:g} h"
    return [_cancel_run(task, attempt, reason, now) for task, attempt in stuck]


def end_failed_attempts(s: Snapshot, now: datetime) -> Events:
    """End the attempts whose run ended any other way than finished."""
    return [
        event
        for task, attempt in live(s)
        if attempt.run is not None
        and attempt.run.status in RUN_TERMINAL
        and attempt.run.status != "FINISHED"
        and attempt.unsent_followup is None
        for event in _after_failed_run(s, task, attempt, attempt.run.status, now)
    ]


def drop_held_followups(s: Snapshot, now: datetime) -> Events:
    """While cancelling, give up the follow-ups that nobody is about to send."""
    if not s.is_cancelling:
        return []
    return [
        e.FollowUpDropped(
            at=now,
            task_key=task.key,
            agent_id=attempt.agent_id,
            followup_id=attempt.unsent_followup.id,
            reason="cancelled",
        )
        for task, attempt in live(s)
        if attempt.is_held and attempt.unsent_followup is not None
    ]


def cancel_live_attempts(s: Snapshot, now: datetime) -> Events:
    """While cancelling, cancel what runs and end what does not."""
    if not s.is_cancelling:
        return []
    return [event for task, attempt in live(s) for event in _cancel_attempt(task, attempt, now)]


def stop(s: Snapshot, now: datetime) -> Events:
    """Once cancelled and nothing is live, end as stopped."""
    if not s.is_cancelling or s.live_attempts:
        return []
    open_tasks = [t for t in s.tasks if t.status not in TASK_TERMINAL]
    cancelled = [e.TaskCancelled(at=now, task_key=t.key) for t in open_tasks]
    return [*cancelled, ended(s, OrchestrationStatus.STOPPED, now)]


def _cancel_attempt(task: Task, attempt: Attempt, now: datetime) -> Events:
    if attempt.status is AttemptStatus.LAUNCHING and attempt.is_held:
        return [attempt_ended(task, attempt, AttemptStatus.CANCELLED, now)]
    if attempt.status is AttemptStatus.LAUNCHING:
        return []  # the launch itself looks again before it posts, or reports the run to cancel
    if attempt.unsent_followup is not None:
        return []  # likewise
    if _is_under_way(attempt):
        assert attempt.run is not None  # noqa: S101 - what _is_under_way just said
        asked = attempt.cancelling_run_id == attempt.run.id
        return [] if asked else [_cancel_run(task, attempt, "the orchestration is cancelled", now)]
    return [attempt_ended(task, attempt, AttemptStatus.CANCELLED, now)]


def _after_failed_run(s: Snapshot, task: Task, attempt: Attempt, status: str, now: datetime) -> Events:
    ours = attempt.run is not None and attempt.cancelling_run_id == attempt.run.id
    if status == "CANCELLED" and not ours:
        ended = attempt_ended(
            task, attempt, AttemptStatus.CANCELLED, now, "cancelled", "its run was cancelled by a person"
        )
        return [ended, e.TaskCancelled(at=now, task_key=task.key)]
    if s.is_cancelling:
        return [attempt_ended(task, attempt, AttemptStatus.CANCELLED, now)]
    code, error = {
        "CANCELLED": ("timeout", f"no end after {s.options.timeout_hours:g} h, so its run was cancelled"),
        "EXPIRED": ("expired", "its run expired at Cursor"),
    }.get(status, ("run_error", "its run ended in an error; Cursor gives no cause"))
    return [attempt_ended(task, attempt, AttemptStatus.FAILED, now, code, error, may_retry=True)]


def _cancel_run(task: Task, attempt: Attempt, reason: str, now: datetime) -> e.Event:
    assert attempt.run is not None  # noqa: S101 - callers look first
    return e.RunCancelRequested(
        at=now, task_key=task.key, agent_id=attempt.agent_id, run_id=attempt.run.id, reason=reason
    )


def _is_under_way(attempt: Attempt) -> bool:
    return attempt.run is not None and attempt.run.status not in RUN_TERMINAL
