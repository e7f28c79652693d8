"""From the request to a plan that may run."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import LaunchRequest, Snapshot
from cursor_monitor.domain.status import Mode, OrchestrationStatus
from cursor_monitor.engine import plan
from cursor_monitor.engine.budgets import is_crowded_out
from cursor_monitor.engine.rules.common import Events, live


def make_plan(s: Snapshot, now: datetime) -> Events:
    """Turn the request into tasks."""
    if s.is_planned or s.planner is not None:
        return []
    request = LaunchRequest(s.prompt, s.repository, s.mode, s.name, s.ref, s.model, s.requested_tasks, s.options)
    try:
        tasks = plan.make_plan(request)
    except Invalid as error:  # checked when it was requested, so this is a request of another version
        one = plan.one_task(s.prompt, s.name, s.options)
        return [e.PlanMade(at=now, tasks=one, source="fallback", reason=error.message)]
    if tasks is None:
        return [e.PlannerRequested(at=now)]
    is_split = not s.requested_tasks and s.mode is not Mode.SINGLE_AGENT
    return [e.PlanMade(at=now, tasks=tasks, source="prompt" if is_split else "request")]


def ask_for_approval(s: Snapshot, now: datetime) -> Events:
    """Wait for a person where the options want one."""
    is_due = s.options.require_approval and s.is_planned and not s.is_approved
    return [e.ApprovalRequested(at=now)] if is_due else []


def start(s: Snapshot, now: datetime) -> Events:
    """Take it up."""
    return [e.OrchestrationStarted(at=now)] if s.status is OrchestrationStatus.QUEUED else []


def release_held(s: Snapshot, now: datetime) -> Events:
    """Block on what Cursor refused for a reason only a person can mend; once resumed, try it again."""
    if is_crowded_out(s):
        return []
    held = [(task, attempt) for task, attempt in live(s) if attempt.is_held]
    return [
        e.AttemptReleased(
            at=now,
            task_key=task.key,
            agent_id=attempt.agent_id,
            followup_id=attempt.unsent_followup.id if attempt.unsent_followup else None,
        )
        for task, attempt in held
    ]
