"""Notification channels and their deliveries, as rows; addresses and secrets come and go sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.store import notices, tables

TOPIC = "notifications"
_NOW = text("clock_timestamp()")

_WANTING = text("""
SELECT id, repository FROM notification_channels
WHERE is_enabled AND :kind = ANY (events) ORDER BY id
""")
_INSERT = text("""
INSERT INTO notification_deliveries (id, channel_id, kind, key, notice, status, created_at)
VALUES (:id, :channel_id, :kind, :key, CAST(:notice AS jsonb), 'pending', clock_timestamp())
ON CONFLICT (channel_id, key) DO NOTHING RETURNING id
""")
_RECENT = text("""
SELECT count(*) AS sent, extract(epoch FROM min(tried_at) + interval '60 s' - clock_timestamp())::float8 AS wait
FROM (SELECT tried_at FROM notification_deliveries
      WHERE channel_id = :id AND tried_at > statement_timestamp() - interval '60 s'
      ORDER BY tried_at DESC LIMIT :most) AS recent
""")
_PRUNE = text("""
DELETE FROM notification_deliveries WHERE id IN (
    SELECT id FROM notification_deliveries
    WHERE created_at < statement_timestamp() - make_interval(hours => :hours) LIMIT 5000)
""")
# The workers whose last word was no farewell and came too long ago, while the hour lasts in which that is news.
_LOST_WORKERS = text("""
SELECT instance, created_at FROM (
    SELECT DISTINCT ON (instance) instance, kind, created_at,
           coalesce((details->>'interval_seconds')::float8, 15) AS interval
    FROM service_health_events
    WHERE service = 'worker' AND created_at > statement_timestamp() - interval '1 hour'
    ORDER BY instance, id DESC) AS newest
WHERE kind <> 'stopped' AND created_at < statement_timestamp() - make_interval(secs => 8 * interval)
""")
# Whole minutes that are over, so that whoever looks counts the same jobs. A notification that cannot be sent is told
# by its channel, never by another notification.
_GIVEN_UP = text("""
SELECT date_trunc('minute', finished_at) AS minute, count(*) AS jobs, (array_agg(id ORDER BY id))[1] AS first_id,
       (array_agg(kind ORDER BY id))[1] AS first_kind, (array_agg(errors->-1->>'error' ORDER BY id))[1] AS first_error
FROM orchestration_outbox_dead
WHERE kind <> 'notify' AND finished_at > statement_timestamp() - interval '1 hour'
  AND finished_at < date_trunc('minute', clock_timestamp() - interval '5 s')
GROUP BY 1 ORDER BY 1
""")


def insert_channel(session: Session, **values: Any) -> bool:
    """Write a new one; False where the name is taken."""
    table = tables.NotificationChannel.__table__  # pyright: ignore[reportAttributeAccessIssue]
    made = session.connection().execute(insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id))
    notices.announce(session, TOPIC)
    return made.first() is not None


def find(session: Session, channel_id: UUID, *, lock: bool = False) -> tables.NotificationChannel | None:
    """One channel; with `lock`, nobody else changes it until the transaction ends."""
    query = select(tables.NotificationChannel).where(tables.NotificationChannel.id == channel_id)
    return session.exec(query.with_for_update(key_share=True) if lock else query).one_or_none()


def is_taken(session: Session, name: str, but: UUID) -> bool:
    """True where another channel has that name, in any case."""
    row = tables.NotificationChannel
    return session.exec(select(row.id).where(func.lower(row.name) == name.lower(), row.id != but)).first() is not None


def select_all(session: Session) -> Sequence[tables.NotificationChannel]:
    """Every channel, by name."""
    return session.exec(select(tables.NotificationChannel).order_by(func.lower(tables.NotificationChannel.name))).all()


def count(session: Session) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(tables.NotificationChannel)).one()


def update(session: Session, channel_id: UUID, **values: Any) -> None:
    """Change columns of one channel."""
    table = tables.NotificationChannel.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id == channel_id).values(**values))
    notices.announce(session, TOPIC)


def delete(session: Session, channel_id: UUID) -> bool:
    """Forget one and what went over it; False where there is none."""
    table = tables.NotificationChannel.__table__  # pyright: ignore[reportAttributeAccessIssue]
    done = session.connection().execute(table.delete().where(table.c.id == channel_id))
    notices.announce(session, TOPIC)
    return done.rowcount > 0


def select_wanting(session: Session, kind: str) -> Sequence[tuple[UUID, str | None]]:
    """The channels that want to hear of this, with the repositories they are limited to."""
    return [(row.id, row.repository) for row in session.connection().execute(_WANTING, {"kind": kind})]


def insert_delivery(
    session: Session, delivery_id: UUID, channel_id: UUID, kind: str, key: str, notice: dict[str, Any]
) -> bool:
    """Write that this is to be sent; False where the channel was told, or is about to be."""
    values = {"id": delivery_id, "channel_id": channel_id, "kind": kind, "key": key, "notice": json.dumps(notice)}
    made = session.connection().execute(_INSERT, values).first()
    notices.announce(session, TOPIC)
    return made is not None


def count_pending_tests(session: Session, channel_id: UUID) -> int:
    """How many tests of a channel are still on their way."""
    row = tables.NotificationDelivery
    query = select(func.count()).select_from(row)
    return session.exec(query.where(row.channel_id == channel_id, row.kind == "test", row.status == "pending")).one()


def find_delivery(session: Session, delivery_id: UUID) -> tables.NotificationDelivery | None:
    """One delivery."""
    return session.get(tables.NotificationDelivery, delivery_id)


def update_delivery(session: Session, delivery_id: UUID, **values: Any) -> None:
    """Change columns of one delivery."""
    table = tables.NotificationDelivery.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id == delivery_id).values(**values))
    notices.announce(session, TOPIC)


def begin_try(session: Session, delivery_id: UUID, attempts: int) -> None:
    """Count a try, at this very moment."""
    update_delivery(session, delivery_id, attempts=attempts, tried_at=_NOW)


def seconds_to_wait(session: Session, channel_id: UUID, per_minute: int) -> float:
    """How long the channel has to wait, as so many went over it within a minute; 0 where it need not."""
    row = session.connection().execute(_RECENT, {"id": channel_id, "most": per_minute}).one()
    return 0.0 if row.sent < per_minute else max(0.1, row.wait)


def select_deliveries(
    session: Session, channel_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[tables.NotificationDelivery]:
    """What went over a channel, the newest first."""
    row = tables.NotificationDelivery
    query = select(row).where(row.channel_id == channel_id)
    if before is not None:
        query = query.where(row.id < before)
    return session.exec(query.order_by(col(row.id).desc()).limit(limit)).all()


def select_lost_workers(session: Session) -> Sequence[tuple[str, datetime]]:
    """The workers that fell silent, with the time of their last sign."""
    return [(row.instance, row.created_at) for row in session.connection().execute(_LOST_WORKERS)]


def select_given_up(session: Session) -> Sequence[Any]:
    """The minutes of the last hour in which jobs became dead letters: how many, and the first of them."""
    return session.connection().execute(_GIVEN_UP).all()


def prune(session: Session, *, older_than_hours: int) -> int:
    """Delete deliveries that are older; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
