"""What starts next, what cannot, and when all of it is over."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.ids import attempt_agent_id
from cursor_monitor.domain.orchestration import Snapshot, Task
from cursor_monitor.domain.status import TASK_TERMINAL, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import plan, prompts
from cursor_monitor.engine.rules.common import Events, ended


def settle_failed_tasks(s: Snapshot, now: datetime) -> Events:
    """Fail the tasks whose last allowed attempt failed."""
    return [
        e.TaskFailed(at=now, task_key=task.key, error=attempt.error_message or "its agent failed")
        for task in s.tasks
        if task.status is TaskStatus.RUNNING
        and (attempt := task.attempt) is not None
        and not attempt.is_live
        and not _may_try_again(s, task)
    ]


def skip_unreachable_tasks(s: Snapshot, now: datetime) -> Events:
    """Skip the tasks that wait for one which will not complete."""
    events: list[e.Event] = []
    gone = {t.key for t in s.tasks if _is_dead_end(t)}
    changed = True
    while changed:
        changed = False
        for task in s.tasks:
            cause = next((key for key in task.depends_on if key in gone), None)
            if task.status is TaskStatus.PENDING and task.key not in gone and cause is not None:
                events.append(e.TaskSkipped(at=now, task_key=task.key, reason=f"{cause} did not complete"))
                gone.add(task.key)
                changed = True
    return events


def launch_ready_tasks(s: Snapshot, now: datetime) -> Events:
    """Launch what is ready into the free slots, within the budget of agents."""
    ready = [task for task in s.tasks if _is_ready(s, task)]
    free = s.options.max_parallel_agents - len(s.live_attempts)
    used = sum(len(task.attempts) for task in s.tasks)
    allowed = s.allowance or s.options.max_agents
    if ready and allowed is not None and used >= allowed:
        if s.live_attempts:
            return []
        summary = (
            f"All {allowed} agents of the budget are used; resume to allow {s.options.max_agents} more, or cancel."
        )
        return [e.OrchestrationBlocked(at=now, code="agent_budget", summary=summary)]
    if allowed is not None:
        free = min(free, allowed - used)
    return [_launch(s, task, now) for task in ready[: max(free, 0)]]


def finish(s: Snapshot, now: datetime) -> Events:
    """End once every task has ended."""
    if not s.tasks or any(t.status not in TASK_TERMINAL for t in s.tasks) or s.live_attempts:
        return []
    done = [t for t in s.tasks if t.status is TaskStatus.COMPLETED]
    lacking = [t for t in s.tasks if t.status is not TaskStatus.COMPLETED and not t.is_waived]
    if not lacking:
        return [ended(s, OrchestrationStatus.COMPLETED, now)]
    status = OrchestrationStatus.PARTIAL if done else OrchestrationStatus.ERROR
    first = next((t for t in lacking if t.status is TaskStatus.FAILED), lacking[0])
    summary = (
        f"{len(lacking)} of {len(s.tasks)} tasks did not complete; {first.key}: {first.error_message or first.status}"
    )
    return [ended(s, status, now, code="tasks_failed", summary=summary)]


def _launch(s: Snapshot, task: Task, now: datetime) -> e.Event:
    number = len(task.attempts) + 1
    return e.AttemptRequested(
        at=now,
        task_key=task.key,
        agent_id=attempt_agent_id(s.id, task.key, number),
        number=number,
        name=plan.first_line(task.title),
        prompt=prompts.task_prompt(s, task),
        ref=prompts.starting_ref(s, task),
        model=task.model or s.model,
    )


def _is_ready(s: Snapshot, task: Task) -> bool:
    if task.status is TaskStatus.RUNNING:
        attempt = task.attempt
        return attempt is not None and not attempt.is_live and _may_try_again(s, task)
    if task.status is not TaskStatus.PENDING:
        return False
    return all(_is_satisfied(s.task(key)) for key in task.depends_on)


def _may_try_again(s: Snapshot, task: Task) -> bool:
    allowed = task.attempts_allowed or s.options.max_attempts
    return task.attempt is not None and task.attempt.may_retry and len(task.attempts) < allowed


def _is_satisfied(task: Task) -> bool:
    return task.status is TaskStatus.COMPLETED or (task.status is TaskStatus.SKIPPED and task.is_waived)


def _is_dead_end(task: Task) -> bool:
    return task.status in TASK_TERMINAL and not _is_satisfied(task)
