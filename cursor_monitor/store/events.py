"""The event store: append, replay, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from cursor_monitor.domain.events import Event, TaskEvent
from cursor_monitor.store import codec, tables


def append(session: Session, orchestration_id: UUID, first_seq: int, events: Sequence[Event]) -> None:
    """Write events under consecutive numbers; the caller holds the orchestration's lock."""
    session.add_all(
        tables.Event(
            orchestration_id=orchestration_id,
            seq=first_seq + offset,
            type=type(event).__name__,
            level=event.level,
            task_key=event.task_key if isinstance(event, TaskEvent) else None,
            message=event.message(),
            payload=codec.dump_event(event),
            created_at=event.at,
        )
        for offset, event in enumerate(events)
    )


def load_history(session: Session, orchestration_id: UUID, until_seq: int | None = None) -> list[Event]:
    """Every event in order, up to and with `until_seq`."""
    query = select(tables.Event).where(tables.Event.orchestration_id == orchestration_id)
    if until_seq is not None:
        query = query.where(tables.Event.seq <= until_seq)
    rows = session.exec(query.order_by(col(tables.Event.seq)))
    return [codec.load_event(row.type, row.created_at, row.payload) for row in rows]


def select_stretch(session: Session, orchestration_id: UUID, *, after: int, until: int) -> list[Event]:
    """The events with a seq above `after`, up to and with `until`, in order."""
    row = tables.Event
    query = select(row).where(row.orchestration_id == orchestration_id, row.seq > after, row.seq <= until)
    rows = session.exec(query.order_by(col(row.seq)))
    return [codec.load_event(found.type, found.created_at, found.payload) for found in rows]


def select_of_types(
    session: Session, orchestration_id: UUID, types: Sequence[str], *, limit: int
) -> Sequence[tables.Event]:
    """The newest events of these types, in order."""
    row = tables.Event
    query = select(row).where(row.orchestration_id == orchestration_id, col(row.type).in_(types))
    return session.exec(query.order_by(col(row.seq).desc()).limit(limit)).all()[::-1]


def load_of_types(
    session: Session, orchestration_id: UUID, types: Sequence[str], *, until: int | None, limit: int
) -> list[Event]:
    """The first events of these types in order, up to and with seq `until`."""
    row = tables.Event
    query = select(row).where(row.orchestration_id == orchestration_id, col(row.type).in_(types))
    if until is not None:
        query = query.where(row.seq <= until)
    found = session.exec(query.order_by(col(row.seq)).limit(limit))
    return [codec.load_event(one.type, one.created_at, one.payload) for one in found]


def select_events(
    session: Session,
    orchestration_id: UUID,
    *,
    after: int,
    before: int | None,
    newest_first: bool,
    limit: int,
    wanted: Mapping[str, str] | None = None,
) -> Sequence[tables.Event]:
    """A stretch of the timeline; `wanted` holds what its columns type, level and task_key must be."""
    query = select(tables.Event).where(tables.Event.orchestration_id == orchestration_id, tables.Event.seq > after)
    if before is not None:
        query = query.where(tables.Event.seq < before)
    for name, value in (wanted or {}).items():
        query = query.where(getattr(tables.Event, name) == value)
    order = col(tables.Event.seq).desc() if newest_first else col(tables.Event.seq)
    return session.exec(query.order_by(order).limit(limit)).all()


def select_feed(session: Session, limit: int) -> Sequence[tuple[tables.Event, str]]:
    """The newest events over all orchestrations, each with its orchestration's name."""
    query = (
        select(tables.Event, tables.Orchestration.name)
        .join(tables.Orchestration, col(tables.Orchestration.id) == col(tables.Event.orchestration_id))
        .order_by(col(tables.Event.created_at).desc(), col(tables.Event.orchestration_id), col(tables.Event.seq).desc())
        .limit(limit)
    )
    return session.exec(query).all()


def database_now(session: Session) -> datetime:
    """The database's clock: the only one that decides."""
    return session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
