"""Agents that go in circles: told of, stopped, sent another way, replaced, and at last a person is asked."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import STUCK
from cursor_monitor.domain.ids import followup_id
from cursor_monitor.domain.loops import LOOP_WORDS, LoopKind
from cursor_monitor.domain.orchestration import PLANNER_KEY, WORK, Attempt, Snapshot, Task
from cursor_monitor.domain.status import RUN_TERMINAL, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import prompts
from cursor_monitor.engine.budgets import Closed, closed_for
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.rules.common import Events, live


def stop_loops(s: Snapshot, now: datetime) -> Events:
    """Cancel the runs that go in circles beyond doubt; an agent at work takes no follow-up."""
    if not s.options.stop_loops or s.is_cancelling:
        return []
    return [
        e.RunCancelRequested(
            at=now,
            task_key=task.key,
            agent_id=attempt.agent_id,
            run_id=attempt.run.id,
            reason=f"it {describe(attempt)}",
            is_for_loop=True,
        )
        for task, attempt in live(s)
        if _is_to_be_stopped(task, attempt) and attempt.run is not None
    ]


def send_another_way(s: Snapshot, now: datetime) -> Events:
    """Tell an agent that was stopped what it repeated, and to go on another way, within what is allowed in all."""
    events: list[e.Event] = []
    closed: Closed | None = None
    for task, attempt in live(s):
        if not may_be_nudged(s, attempt):
            continue
        refused = closed_for(s, now, followups=1)
        if refused is not None:
            closed = closed or refused
            continue
        asked = _ask(task, attempt, now)
        s = evolve(s, asked)
        events.append(asked)
    if closed is not None and not closed.waits and not any(a.is_busy for a in s.live_attempts):
        events.append(e.OrchestrationBlocked(at=now, code=closed.code, summary=closed.summary))
    return events


def ask_about_stuck_tasks(s: Snapshot, now: datetime) -> Events:
    """Ask a person once all agents that a task may have went in circles, and nothing else is under way."""
    stuck = [task for task in s.tasks if is_stuck_for_good(task)]
    if not stuck or s.live_attempts or s.status is not OrchestrationStatus.RUNNING:
        return []
    keys = ", ".join(task.key for task in stuck[:5]) + (f" and {len(stuck) - 5} more" if len(stuck) > 5 else "")
    summary = (
        f"The agents of {keys} went in circles, the last one too. Look at what they did, then resume to let one more "
        "agent try, skip the task, or cancel."
    )
    return [e.OrchestrationBlocked(at=now, code=STUCK, summary=summary)]


def may_be_nudged(s: Snapshot, attempt: Attempt) -> bool:
    """True where it was stopped for going in circles and may be told to go on another way."""
    if not attempt.is_stopped_for_loop or attempt.unsent_followup is not None or s.is_cancelling:
        return False
    return attempt.count_asked("unstick") < s.options.max_nudges and attempt.iterations < s.options.max_iterations


def is_stuck_for_good(task: Task) -> bool:
    """True where its last agent ended because it went in circles, and the task has not ended."""
    attempt = task.attempt
    return (
        task.status is TaskStatus.RUNNING
        and attempt is not None
        and not attempt.is_live
        and attempt.error_code == STUCK
    )


def describe(attempt: Attempt) -> str:
    """What it did again and again, without its own words."""
    stuck = attempt.stuck
    if stuck is None:
        return "went in circles"
    words = LOOP_WORDS[LoopKind(stuck.kind)]
    return words if stuck.kind == LoopKind.SILENT else f"{words} {stuck.count} times"


def _is_to_be_stopped(task: Task, attempt: Attempt) -> bool:
    stuck, run = attempt.stuck, attempt.run
    if attempt.role != WORK or task.key == PLANNER_KEY or stuck is None or run is None:
        return False
    is_now = stuck.is_certain and stuck.run_id == run.id and run.status not in RUN_TERMINAL
    return is_now and attempt.cancelling_run_id != run.id


def _ask(task: Task, attempt: Attempt, now: datetime) -> e.FollowUpRequested:
    action = attempt.stuck.action if attempt.stuck else ""
    return e.FollowUpRequested(
        at=now,
        task_key=task.key,
        agent_id=attempt.agent_id,
        followup_id=followup_id(attempt.agent_id, attempt.iterations + 1),
        asks="unstick",
        prompt=prompts.ask_to_go_another_way(describe(attempt), action),
    )
