"""Of several candidates of one task the best is kept, once all have come to an end, or a person is asked which."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import WORK, Snapshot, Task
from cursor_monitor.domain.status import TASK_TERMINAL, AttemptStatus, OrchestrationStatus, TaskStatus
from cursor_monitor.engine.choice import best_of
from cursor_monitor.engine.rules.common import Events
from cursor_monitor.engine.rules.dispatch import ready_tasks

_SHOWN = 5


def skip_needless_candidates(s: Snapshot, now: datetime) -> Events:
    """Begin no candidate of a task that is done already, or done without."""
    ended = {key for key in s.with_candidates if s.task(key).status in TASK_TERMINAL}
    return [
        e.TaskSkipped(at=now, task_key=task.key, reason=f"{task.candidate_of} needs it no more", by="engine")
        for task in s.tasks
        if task.candidate_of in ended and task.status is TaskStatus.PENDING
    ]


def keep_the_best(s: Snapshot, now: datetime) -> Events:
    """Settle the tasks whose candidates have all ended, but for those that a person is to choose from."""
    events: list[e.Event] = []
    for task in _due(s):
        candidates = s.candidates(task.key)
        completed = [one for one in candidates if one.status is TaskStatus.COMPLETED]
        if not completed:
            events.append(_without_any(task, candidates, now))
        elif len(completed) == 1 or not s.options.choose_by_hand:
            best = best_of(candidates)
            events += keep(s, task, best.key, best.reason, now)
    return events


def ask_for_choice(s: Snapshot, now: datetime) -> Events:
    """Ask a person which candidates to keep, once nothing else can go on."""
    due = [task for task in _due(s) if any(one.status is TaskStatus.COMPLETED for one in s.candidates(task.key))]
    if not due or s.live_attempts or s.status is not OrchestrationStatus.RUNNING or ready_tasks(s):
        return []
    keys = tuple(task.key for task in due)
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    summary = f"The candidates of {', '.join(keys[:_SHOWN])}{more} have ended: choose which one is kept."
    return [e.ChoiceRequested(at=now, task_keys=keys, summary=summary)]


def keep(s: Snapshot, task: Task, key: str, reason: str, now: datetime, *, by: str = "engine") -> list[e.Event]:
    """Keep one candidate: its work becomes the task's; the others' agents are archived, nothing of theirs is closed."""
    kept = s.task(key)
    others = [one for one in s.candidates(task.key) if one.key != key]
    archived = [a.agent_id for one in others for a in one.attempts if a.role == WORK and a.run is not None]
    lost = {a.agent_id for one in others for a in one.attempts if a.status is AttemptStatus.LOST}
    return [
        e.CandidateKept(
            at=now,
            task_key=task.key,
            kept=key,
            reason=reason,
            by=by,
            archived=tuple(agent_id for agent_id in archived if agent_id not in lost),
            left=tuple(one.pr_url for one in others if one.pr_url),
        ),
        e.TaskCompleted(
            at=now,
            task_key=task.key,
            quality_score=kept.quality_score,
            quality_coverage=kept.quality_coverage or 0,
        ),
    ]


def _due(s: Snapshot) -> list[Task]:
    several = s.with_candidates
    return [
        task
        for task in s.tasks
        if task.key in several
        and task.status is TaskStatus.PENDING
        and all(one.status in TASK_TERMINAL for one in s.candidates(task.key))
    ]


def _without_any(task: Task, candidates: tuple[Task, ...], now: datetime) -> e.Event:
    if all(one.status is TaskStatus.SKIPPED for one in candidates):
        left_out = all(one.is_waived for one in candidates)
        reason = candidates[0].error_message or "none of its candidates was begun"
        return e.TaskSkipped(at=now, task_key=task.key, reason=reason, by="engine" if left_out else None)
    first = next((one for one in candidates if one.status is TaskStatus.FAILED), candidates[0])
    error = f"none of its {len(candidates)} candidates completed; {first.key}: {first.error_message or first.status}"
    return e.TaskFailed(at=now, task_key=task.key, error=error)
