"""What is said of the budgets, and their end in time."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.engine.budgets import closed_for, uses
from cursor_monitor.engine.rules.common import Events


def warn_of_budgets(s: Snapshot, now: datetime) -> Events:
    """Say once of each budget that most of it is used."""
    return [
        e.BudgetNear(at=now, budget=use.budget, used=use.used, allowed=use.allowed)
        for use in uses(s, now)
        if use.is_near and use.allowed is not None and use.budget not in s.warned
    ]


def block_when_time_is_over(s: Snapshot, now: datetime) -> Events:
    """Ask a person once the time of the whole is over, whatever is still under way."""
    closed = closed_for(s, now)
    if closed is None or closed.code != "wall_budget" or s.status is not OrchestrationStatus.RUNNING:
        return []
    return [e.OrchestrationBlocked(at=now, code=closed.code, summary=closed.summary)]
