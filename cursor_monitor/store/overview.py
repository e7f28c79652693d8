"""Counts and sums for the overview, each from an index: no index is read by clock_timestamp(), which is volatile."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, func, text
from sqlmodel import Session, col, select

from cursor_monitor.store import tables

_HOURS = text("""
SELECT floor(extract(epoch FROM clock_timestamp() - completed_at) / 3600)::int AS ago, status, count(*) AS number
FROM orchestrations WHERE completed_at > statement_timestamp() - interval '24 hours' GROUP BY 1, 2
""")
_DAYS = text("""
SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date - (completed_at AT TIME ZONE 'UTC')::date AS ago, status,
       count(*) AS number
FROM orchestrations
WHERE completed_at >= (((statement_timestamp() AT TIME ZONE 'UTC')::date - 13)::timestamp AT TIME ZONE 'UTC')
GROUP BY 1, 2
""")
_SPEND = text("""
SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date - day AS ago, sum(cents) AS cents, sum(agents) AS agents,
       sum(followups) AS followups
FROM spend_days WHERE day > (clock_timestamp() AT TIME ZONE 'UTC')::date - 14 GROUP BY 1
""")
_UNKNOWN = text("""
SELECT count(*) FROM agents
WHERE created_at >= ((statement_timestamp() AT TIME ZONE 'UTC')::date::timestamp AT TIME ZONE 'UTC')
  AND launch_status = 'launched' AND origin <> 'elsewhere' AND cost_cents IS NULL
""")


def count_ended_today(session: Session) -> dict[str, int]:
    """Orchestrations that ended in the last 24 hours, by status."""
    status, ended = col(tables.Orchestration.status), col(tables.Orchestration.completed_at)
    query = select(status, func.count()).where(ended > text("now() - interval '24 hours'")).group_by(status)
    return dict(session.exec(query).all())


def count_agents_working(session: Session) -> int:
    """Agents at work now."""
    row = tables.Agent
    return session.exec(select(func.count()).select_from(row).where(row.state == "working")).one()


def count_costs_unknown(session: Session) -> int:
    """Agents of today (UTC), launched here, whose cost Cursor has not told."""
    return session.connection().execute(_UNKNOWN).scalar_one()


def ended_by_hour(session: Session) -> Sequence[RowMapping]:
    """How many orchestrations ended in each of the last 24 hours, by status; `ago` 0 is the last hour."""
    return session.connection().execute(_HOURS).mappings().all()


def ended_by_day(session: Session) -> Sequence[RowMapping]:
    """The same for each of the last 14 days (UTC)."""
    return session.connection().execute(_DAYS).mappings().all()


def spent_by_day(session: Session) -> Sequence[RowMapping]:
    """What was begun and spent on each of the last 14 days (UTC)."""
    return session.connection().execute(_SPEND).mappings().all()


def has_any(session: Session) -> bool:
    """True once an orchestration was made or an agent is known."""
    query = text("SELECT EXISTS (SELECT FROM orchestrations) OR EXISTS (SELECT FROM agents)")
    return session.connection().execute(query).scalar_one()
