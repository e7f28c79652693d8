"""Counts for the overview, each from a partial or leading index."""

from __future__ import annotations

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from cursor_monitor.domain.status import ORCHESTRATION_TERMINAL
from cursor_monitor.store import tables


def count_by_status(session: Session) -> dict[str, int]:
    """Orchestrations that have not ended, by status."""
    status = col(tables.Orchestration.status)
    query = select(status, func.count()).where(status.not_in(ORCHESTRATION_TERMINAL)).group_by(status)
    return dict(session.exec(query).all())


def count_ended_today(session: Session) -> dict[str, int]:
    """Orchestrations that ended in the last 24 hours, by status."""
    status, ended = col(tables.Orchestration.status), col(tables.Orchestration.completed_at)
    query = select(status, func.count()).where(ended > text("now() - interval '24 hours'")).group_by(status)
    return dict(session.exec(query).all())


def count_agents_working(session: Session) -> int:
    """Agents asked for or running now."""
    query = text("SELECT count(*) FROM agents WHERE launch_status = 'requested' OR is_working")
    return session.connection().execute(query).scalar_one()
