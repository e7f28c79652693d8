"""Figures for monitoring, each from small tables: never a count of history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from cursor_monitor.store import statements, tables

_JOBS: LiteralString = """
SELECT kind, CASE WHEN status = 'processing' THEN 'running' WHEN next_run_at <= clock_timestamp() THEN 'due'
                  ELSE 'scheduled' END AS state,
       count(*) AS number, extract(epoch FROM clock_timestamp() - min(next_run_at))::float8 AS oldest_seconds
FROM orchestration_outbox_live GROUP BY 1, 2
UNION ALL
SELECT kind, 'dead', count(*), NULL FROM orchestration_outbox_dead GROUP BY kind
"""
_ALIVE = ("queued", "running", "paused", "waiting", "blocked")
_BUDGETS = text("""
SELECT account, endpoint, per_minute, tokens, pace, granted, refused,
       coalesce(blocked_until > clock_timestamp(), false) AS is_blocked
FROM cursor_budgets ORDER BY account, endpoint
""")


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs of a kind are in a state, and how long the oldest is due."""

    kind: str
    state: str
    number: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What one key may send to one class of endpoints, and what it has sent so far."""

    account: str
    endpoint: str
    per_minute: int
    tokens: float
    pace: float
    granted: int
    refused: int
    is_blocked: bool


def count_jobs(session: Session) -> list[JobCount]:
    """Every kind of job in every state that it is in."""
    return [JobCount(*row) for row in statements.of(session)(_JOBS, {}).fetchall()]


def count_orchestrations(session: Session) -> dict[str, int]:
    """Those that have not ended, by status."""
    status = col(tables.Orchestration.status)
    return dict(session.exec(select(status, func.count()).where(status.in_(_ALIVE)).group_by(status)).all())


def budgets(session: Session) -> Sequence[BudgetState]:
    """Every budget, as it was left."""
    return [BudgetState(**row) for row in session.connection().execute(_BUDGETS).mappings()]
