"""What a plan rests on besides its request, and what runs cost so far."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.store import profiles

_NEWEST = 200
_COST = text("""
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY per_run), count(*) FROM (
    SELECT cost_cents / greatest(1, (SELECT count(*) FROM agent_runs r WHERE r.agent_id = a.id)) AS per_run
    FROM agents a WHERE cost_cents IS NOT NULL ORDER BY created_at DESC LIMIT :newest
) known
""")


def plan_facts(session: Session, repository: str) -> dict[str, Any]:
    """The facts outside a request that its plan rests on; empty where there are none."""
    profile = profiles.find_for(session, repository)
    return {"profile": asdict(profile)} if profile is not None else {}


def median_run_cost(session: Session) -> tuple[float | None, int]:
    """The median of cents per run over the newest agents whose cost is known, and how many those are."""
    cents, agents = session.connection().execute(_COST, {"newest": _NEWEST}).one()
    return (None if cents is None else float(cents)), int(agents)
