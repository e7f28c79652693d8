"""Reading the notification channels and what went over them; of an address only where it leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.profiles import Profile
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.store import notifications as store
from cursor_monitor.store import tables
from cursor_monitor.store.database import reading

SHOWN_DELIVERIES = 5


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel; `failure` is why the last delivery failed, None once one went well."""

    id: str
    name: str
    kind: str
    target_hint: str
    events: tuple[str, ...]
    repository: str | None
    per_minute: int
    is_enabled: bool
    sent_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One notification on one channel."""

    id: str
    kind: str
    title: str
    text: str
    status: str  # pending, sent, failed, dropped
    attempts: int
    error: str | None
    created_at: datetime
    tried_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel with its newest deliveries."""

    channel: ChannelRow
    deliveries: tuple[DeliveryRow, ...]


def list_channels() -> tuple[ChannelRow, ...]:
    """Every channel, by name."""
    with reading() as session:
        return tuple(_row(one) for one in store.select_all(session))


def view_channels() -> tuple[ChannelView, ...]:
    """Every channel, by name, each with what went over it last."""
    with reading() as session:
        return tuple(
            ChannelView(_row(one), tuple(map(_delivery, _newest(session, one.id)))) for one in store.select_all(session)
        )


def get_channel(channel_id: str) -> ChannelRow:
    """One channel; raises NotFound."""
    with reading() as session:
        return _row(_found(session, channel_id))


def list_deliveries(channel_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[DeliveryRow]:
    """What went over a channel, the newest first; raises NotFound."""
    check_limit(limit)
    position = decode_cursor(cursor, 1)
    with reading() as session:
        channel = _found(session, channel_id)
        before = _uuid(position[0]) if position else None
        rows = store.select_deliveries(session, channel.id, before=before, limit=limit + 1)
    shown = tuple(_delivery(row) for row in rows[:limit])
    return Page(shown, encode_cursor(shown[-1].id) if len(rows) > limit else None)


def _newest(session: Session, channel_id: UUID) -> list[tables.NotificationDelivery]:
    return list(store.select_deliveries(session, channel_id, before=None, limit=SHOWN_DELIVERIES))


def _found(session: Session, channel_id: str) -> tables.NotificationChannel:
    known = _uuid(channel_id)
    found = store.find(session, known) if known else None
    if found is None:
        raise NotFound(f"No channel has the id {channel_id[:60]}.")
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _row(one: tables.NotificationChannel) -> ChannelRow:
    return ChannelRow(
        id=str(one.id),
        name=one.name,
        kind=one.kind,
        target_hint=one.target_hint,
        events=tuple(one.events),
        repository=Profile(one.repository).shown if one.repository else None,
        per_minute=one.per_minute,
        is_enabled=one.is_enabled,
        sent_at=one.sent_at,
        failed_at=one.failed_at,
        failure=one.failure,
        created_by=one.created_by,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _delivery(one: tables.NotificationDelivery) -> DeliveryRow:
    return DeliveryRow(
        id=str(one.id),
        kind=one.kind,
        title=str(one.notice.get("title", "")),
        text=str(one.notice.get("text", "")),
        status=one.status,
        attempts=one.attempts,
        error=one.error,
        created_at=one.created_at,
        tried_at=one.tried_at,
        finished_at=one.finished_at,
    )
