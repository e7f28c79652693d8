"""What an orchestration may use in all: its budgets by the names of their options, and the codes of their ends."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "max_agents": "agents",
    "max_followups": "follow-ups",
    "budget_cents": "cents",
    "wall_hours": "hours",
}
"""Each budget and what it counts."""

CODES: Mapping[str, str] = {
    "max_agents": "agent_budget",
    "max_followups": "followup_budget",
    "budget_cents": "cents_budget",
    "wall_hours": "wall_budget",
}
"""The code with which an orchestration is blocked once that budget is used."""

COST_UNKNOWN = "cost_unknown"
"""Blocked because Cursor does not tell what was spent, so that a budget in cents cannot be kept."""

DAY_BUDGET = "day_budget"
"""Blocked because the account has begun or spent what it may in a day."""

CHECKS_UNKNOWN = "checks_unknown"
"""Blocked because the checks that are required of a task's work did not end, or nobody tells of them."""

STUCK = "stuck"
"""Blocked because every agent of a task went in circles; a person who resumes lets one more try."""

PROFILE_RULE = "profile_rule"
"""Blocked because the profile of the repository does not allow what would be begun next."""

NO_SLOT = "no_slot"
"""Nothing is begun because others work in the slots there are; it goes on by itself."""

CHOICE = "choice"
"""Waiting for a person to say which candidate of a task is kept."""

WAIVABLE = frozenset({COST_UNKNOWN, CHECKS_UNKNOWN})
"""What a person who resumes goes on without."""

NEAR_SHARE = 0.8
COST_WAIT_MINUTES = 10.0
"""How long after a run the cost is waited for before it counts as unknown."""
