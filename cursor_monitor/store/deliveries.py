"""Webhook deliveries that were taken: each body once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from cursor_monitor.store import tables

_PRUNE = text("""
DELETE FROM webhook_deliveries WHERE body_hash IN (
    SELECT body_hash FROM webhook_deliveries
    WHERE received_at < statement_timestamp() - make_interval(hours => :hours) LIMIT 5000)
""")


def insert_delivery(session: Session, **values: object) -> bool:
    """Write a delivery; False where the same body was taken before."""
    table = tables.WebhookDelivery.__table__  # pyright: ignore[reportAttributeAccessIssue]
    new = insert(table).values(received_at=text("clock_timestamp()"), **values)
    return session.connection().execute(new.on_conflict_do_nothing().returning(table.c.body_hash)).scalar() is not None


def newest_sent_at(session: Session, agent_id: str) -> datetime | None:
    """When the newest delivery about an agent was sent."""
    query = text("SELECT max(sent_at) FROM webhook_deliveries WHERE agent_id = :id")
    return session.connection().execute(query, {"id": agent_id}).scalar()


def prune(session: Session, *, older_than_hours: int) -> int:
    """Delete deliveries that are older; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
