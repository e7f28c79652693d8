"""The audit log in the database: written, read, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from cursor_monitor.store import tables

_WRITE = text("""
INSERT INTO audit_log (actor, kind, action, subject, outcome, details, ip)
VALUES (:actor, :kind, :action, :subject, :outcome, CAST(:details AS jsonb), :ip)
""")


def write(session: Session, values: Mapping[str, Any]) -> None:
    """Add one entry."""
    session.connection().execute(_WRITE, dict(values))


def page(
    session: Session, *, actor: str | None, action: str | None, outcome: str | None, before: int | None, limit: int
) -> Sequence[tables.AuditEntry]:
    """The newest entries, of those before `before`."""
    entry = tables.AuditEntry
    query = select(entry)
    if actor:
        query = query.where(entry.actor == actor)
    if action:
        query = query.where(col(entry.action).contains(action, autoescape=True))
    if outcome:
        query = query.where(entry.outcome == outcome)
    if before is not None:
        query = query.where(col(entry.id) < before)
    return session.exec(query.order_by(col(entry.id).desc()).limit(limit)).all()
