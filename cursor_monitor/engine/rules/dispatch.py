"""What starts next, what cannot, and when all of it is over."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.ids import attempt_agent_id
from cursor_monitor.domain.orchestration import Snapshot, Task
from cursor_monitor.domain.room import Waiting
from cursor_monitor.domain.status import (
    TASK_TERMINAL,
    OrchestrationStatus,
    TaskStatus,
)
from cursor_monitor.engine import plan, prompts
from cursor_monitor.engine.budgets import closed_for
from cursor_monitor.engine.rules.common import Events, ended
from cursor_monitor.engine.rules.profile import closed_by_profile
from cursor_monitor.engine.rules.stuck import is_stuck_for_good


def settle_failed_tasks(s: Snapshot, now: datetime) -> Events:
    """Fail the tasks whose last allowed attempt failed."""
    return [
        e.TaskFailed(at=now, task_key=task.key, error=attempt.error_message or "its agent failed")
        for task in s.tasks
        if task.status is TaskStatus.RUNNING
        and (attempt := task.attempt) is not None
        and not attempt.is_live
        and not may_try_again(s, task)
        and not (is_stuck_for_good(task) and not has_living_rival(s, task))
    ]


def skip_unreachable_tasks(s: Snapshot, now: datetime) -> Events:
    """Skip the tasks that wait for one which will not complete."""
    events: list[e.Event] = []
    gone = {t.key for t in s.tasks if _is_dead_end(t)}
    several, left_out = s.with_candidates, {t.key for t in s.tasks if t.status is TaskStatus.SKIPPED}
    changed = True
    while changed:
        changed = False
        for task in s.tasks:
            cause = next((key for key in task.depends_on if key in gone), None)
            if task.key in several and not gone.union(left_out).issuperset(task.depends_on):
                continue  # one of its candidates may yet be kept
            if task.status is TaskStatus.PENDING and task.key not in gone and cause is not None:
                events.append(e.TaskSkipped(at=now, task_key=task.key, reason=f"{cause} did not complete"))
                gone.add(task.key)
                changed = True
    return events


def launch_ready_tasks(s: Snapshot, now: datetime) -> Events:
    """Launch what is ready into the free slots, within the budget of agents."""
    ready = ready_tasks(s)
    free = min([_own_slots(s), *(slots.free for slots in s.room.slots)])
    launches: list[e.Event] = []
    for task in ready[: max(free, 0)]:
        closed = closed_by_profile(s, task) or closed_for(s, now, agents=len(launches) + 1)
        if closed is not None:
            if launches or closed.waits:
                break
            return [e.OrchestrationBlocked(at=now, code=closed.code, summary=closed.summary)]
        launches.append(_launch(s, task, now))
    return launches


def waiting_for_room(s: Snapshot, now: datetime, begun: int) -> Waiting | None:
    """What is ready after a decision that began so many, and has no slot only because others have them."""
    wanted = 1 if wants_planner(s) else min(_own_slots(s), len(ready_tasks(s)))
    if wanted <= 0 or not s.room.slots or closed_for(s, now, agents=1) is not None:
        return None
    tightest = min(s.room.slots, key=lambda slots: slots.free)
    return Waiting(tightest.name, wanted, tightest.reason(begun))


def wants_planner(s: Snapshot) -> bool:
    """True where the plan waits for a planner that has no agent at work."""
    planner = s.planner
    if planner is None or s.is_planned or s.status is not OrchestrationStatus.RUNNING:
        return False
    return planner.attempt is None or not planner.attempt.is_live


def _own_slots(s: Snapshot) -> int:
    return s.options.max_parallel_agents - s.slots_used


def finish(s: Snapshot, now: datetime) -> Events:
    """End once every task has ended."""
    if not s.tasks or any(t.status not in TASK_TERMINAL for t in s.tasks) or s.live_attempts:
        return []
    results = s.results
    done = [t for t in results if t.status is TaskStatus.COMPLETED]
    lacking = [t for t in results if t.status is not TaskStatus.COMPLETED and not t.is_waived]
    if not lacking:
        return [ended(s, OrchestrationStatus.COMPLETED, now)]
    status = OrchestrationStatus.PARTIAL if done else OrchestrationStatus.ERROR
    first = next((t for t in lacking if t.status is TaskStatus.FAILED), lacking[0])
    summary = (
        f"{len(lacking)} of {len(results)} tasks did not complete; {first.key}: {first.error_message or first.status}"
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


def ready_tasks(s: Snapshot) -> list[Task]:
    """The tasks that an agent may begin; what has candidates has no agent of its own."""
    satisfied = {task.key for task in s.tasks if _is_satisfied(task)}
    several = s.with_candidates
    return [task for task in s.tasks if task.key not in several and _is_ready(s, task, satisfied)]


def _is_ready(s: Snapshot, task: Task, satisfied: set[str]) -> bool:
    if task.status is TaskStatus.RUNNING:
        attempt = task.attempt
        return attempt is not None and not attempt.is_live and may_try_again(s, task)
    if task.status is not TaskStatus.PENDING:
        return False
    return all(key in satisfied for key in task.depends_on)


def may_try_again(s: Snapshot, task: Task) -> bool:
    """True where the newest attempt failed in a way that another may not, and one more is allowed."""
    allowed = task.attempts_allowed or s.options.max_attempts
    return task.attempt is not None and task.attempt.may_retry and task.tries < allowed


def has_living_rival(s: Snapshot, task: Task) -> bool:
    """True for a candidate where another one of the same task may yet be kept."""
    rivals = s.candidates(task.candidate_of) if task.candidate_of else ()
    return any(t.key != task.key and _may_be_kept(t) for t in rivals)


def _may_be_kept(task: Task) -> bool:
    return task.status is TaskStatus.COMPLETED or (task.status not in TASK_TERMINAL and not is_stuck_for_good(task))


def _is_satisfied(task: Task) -> bool:
    return task.status is TaskStatus.COMPLETED or (task.status is TaskStatus.SKIPPED and task.is_waived)


def _is_dead_end(task: Task) -> bool:
    return task.status in TASK_TERMINAL and not _is_satisfied(task)
