"""The planner agent: launched where the prompt alone makes no plan, its answer read, mended once, else done without."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CODES
from cursor_monitor.domain.ids import attempt_agent_id, followup_id
from cursor_monitor.domain.orchestration import PLANNER_KEY, Attempt, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, TaskStatus
from cursor_monitor.engine import plan
from cursor_monitor.engine.budgets import Closed, closed_for
from cursor_monitor.engine.plan_agent import (
    PlanUnusable,
    agents_allowed,
    ask_for_another_plan,
    planner_prompt,
    read_plan,
)
from cursor_monitor.engine.rules.common import Events, attempt_ended
from cursor_monitor.engine.rules.dispatch import may_try_again, wants_planner
from cursor_monitor.engine.rules.profile import closed_by_profile


def read_answer(s: Snapshot, now: datetime) -> Events:
    """Take the plan that the planner answered with, ask once for a better one, or end the planner's work."""
    attempt = s.planner.attempt if s.planner else None
    if s.planner is None or attempt is None or not attempt.is_live or attempt.unsent_followup is not None:
        return []
    run = attempt.run
    if run is None or run.status != "FINISHED" or attempt.assessed_run_id == run.id:
        return []
    if s.is_planned:
        return [attempt_ended(s.planner, attempt, AttemptStatus.SUCCEEDED, now)]
    try:
        tasks = read_plan(run.result, agents_allowed(s, s.agents_used), s.options)
    except PlanUnusable as unusable:
        return _rejected(s, s.planner, attempt, unusable.reasons, now)
    place = {"at": now, "task_key": PLANNER_KEY, "agent_id": attempt.agent_id}
    return [
        e.PlanProposed(**place, run_id=run.id, count=len(tasks)),
        attempt_ended(s.planner, attempt, AttemptStatus.SUCCEEDED, now),
        e.PlanMade(at=now, tasks=tasks, source="planner"),
    ]


def fall_back(s: Snapshot, now: datetime) -> Events:
    """Make the whole prompt one task where no planner will answer any more."""
    planner = s.planner
    if planner is None or s.is_planned:
        return []
    attempt = planner.attempt
    if attempt is not None and attempt.is_live:
        return []
    if planner.status is not TaskStatus.PENDING and not may_try_again(s, planner):
        reason = (attempt.error_message if attempt else None) or "the planner gave none"
    elif not can_afford_planner(s):
        reason = "the budget of agents leaves none for a planner"
    else:
        return []
    return [e.PlanMade(at=now, tasks=plan.one_task(s.prompt, s.name, s.options), source="fallback", reason=reason)]


def launch_planner(s: Snapshot, now: datetime) -> Events:
    """Launch the planner's agent, under an id that is committed before Cursor hears of it."""
    planner = s.planner
    if planner is None or not wants_planner(s) or any(slots.free < 1 for slots in s.room.slots):
        return []
    closed = closed_by_profile(s, planner) or closed_for(s, now, agents=1)
    if closed is not None:
        return _blocked(closed, now)
    number = len(planner.attempts) + 1
    return [
        e.AttemptRequested(
            at=now,
            task_key=PLANNER_KEY,
            agent_id=attempt_agent_id(s.id, PLANNER_KEY, number),
            number=number,
            name=plan.first_line(f"Plan: {s.name}"),
            prompt=planner_prompt(s),
            ref=s.ref,
            model=s.model,
        )
    ]


def can_afford_planner(s: Snapshot) -> bool:
    """True where the budget of agents leaves at least one for the work itself."""
    allowed = s.allowance or s.options.max_agents
    return allowed is None or s.agents_used + 1 < allowed


def _blocked(closed: Closed, now: datetime) -> Events:
    return [] if closed.waits else [e.OrchestrationBlocked(at=now, code=closed.code, summary=closed.summary)]


def _rejected(s: Snapshot, planner: Task, attempt: Attempt, reasons: tuple[str, ...], now: datetime) -> Events:
    assert attempt.run is not None  # noqa: S101 - the caller read it
    place = {"at": now, "task_key": PLANNER_KEY, "agent_id": attempt.agent_id}
    rejected = e.PlanRejected(**place, run_id=attempt.run.id, reasons=reasons)
    closed = closed_for(s, now, followups=1)
    is_last = attempt.asked_for("plan") or attempt.iterations >= s.options.max_iterations
    if not is_last and closed is not None and closed.code != CODES["max_followups"]:
        return _blocked(closed, now)
    if is_last or closed is not None:
        error = f"its plan cannot be used: {reasons[0]}"
        return [rejected, attempt_ended(planner, attempt, AttemptStatus.FAILED, now, "plan_unusable", error)]
    number = attempt.iterations + 1
    asked = e.FollowUpRequested(
        **place,
        followup_id=followup_id(attempt.agent_id, number),
        asks="plan",
        prompt=ask_for_another_plan(reasons),
    )
    return [rejected, asked]
