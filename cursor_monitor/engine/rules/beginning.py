"""From the request to a plan that may run."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import LaunchRequest, Snapshot
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.engine import plan
from cursor_monitor.engine.rules.common import Events, live


def make_plan(s: Snapshot, now: datetime) -> Events:
    """Turn the request into tasks."""
    if s.is_planned:
        return []
    request = LaunchRequest(s.prompt, s.repository, s.mode, s.name, s.ref, s.model, s.requested_tasks, s.options)
    return [e.PlanMade(at=now, tasks=plan.make_plan(request))]


def ask_for_approval(s: Snapshot, now: datetime) -> Events:
    """Wait for a person where the options want one."""
    if s.options.require_approval and not s.is_approved and s.status is OrchestrationStatus.QUEUED:
        return [e.ApprovalRequested(at=now)]
    return []


def start(s: Snapshot, now: datetime) -> Events:
    """Take it up."""
    return [e.OrchestrationStarted(at=now)] if s.status is OrchestrationStatus.QUEUED else []


def release_held(s: Snapshot, now: datetime) -> Events:
    """Block on what Cursor refused for a reason only a person can mend; once resumed, try it again."""
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
