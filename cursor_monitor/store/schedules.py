"""Schedules and their firings as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.store import notices, tables

TOPIC = "schedules"

# Whoever fires one holds it until the commit; the others leave it to them, and go on with the next.
_TAKE_DUE = text("""
SELECT id FROM schedules WHERE is_enabled AND next_run_at <= clock_timestamp()
ORDER BY next_run_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
""")
_OVERLAPS = text("""
SELECT o.id::text FROM schedule_firings f JOIN orchestrations o ON o.id = f.orchestration_id
WHERE f.schedule_id = :id AND o.status NOT IN ('completed', 'partial', 'error', 'stopped') LIMIT 1
""")
_PRUNE = text("""
DELETE FROM schedule_firings f WHERE (f.schedule_id, f.fire_at) IN (
    SELECT schedule_id, fire_at FROM schedule_firings
    WHERE created_at < statement_timestamp() - make_interval(hours => :hours) LIMIT 5000)
""")


def take_due(session: Session) -> tables.Schedule | None:
    """The one that has been due the longest, held until the transaction ends; None where none is, or all are held."""
    found = session.connection().execute(_TAKE_DUE).scalar()
    return session.get_one(tables.Schedule, found) if found is not None else None


def find(session: Session, schedule_id: UUID, *, lock: bool = False) -> tables.Schedule | None:
    """One schedule; with `lock`, nobody else fires or changes it until the transaction ends."""
    query = select(tables.Schedule).where(tables.Schedule.id == schedule_id)
    return session.exec(query.with_for_update(key_share=True) if lock else query).one_or_none()


def select_all(session: Session) -> Sequence[tables.Schedule]:
    """Every schedule, by name."""
    return session.exec(select(tables.Schedule).order_by(func.lower(tables.Schedule.name))).all()


def count(session: Session) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(tables.Schedule)).one()


def is_taken(session: Session, name: str, but: UUID) -> bool:
    """True where another schedule has that name, in any case."""
    row = tables.Schedule
    return session.exec(select(row.id).where(func.lower(row.name) == name.lower(), row.id != but)).first() is not None


def insert_schedule(session: Session, **values: Any) -> bool:
    """Write a new one; False where the name is taken."""
    table = tables.Schedule.__table__  # pyright: ignore[reportAttributeAccessIssue]
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    made = session.connection().execute(statement).first()
    notices.announce(session, TOPIC)
    return made is not None


def update(session: Session, schedule_id: UUID, **values: Any) -> None:
    """Change columns of one schedule."""
    table = tables.Schedule.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id == schedule_id).values(**values))
    notices.announce(session, TOPIC)


def delete(session: Session, schedule_id: UUID) -> bool:
    """Forget one and its firings; False where there is none."""
    table = tables.Schedule.__table__  # pyright: ignore[reportAttributeAccessIssue]
    done = session.connection().execute(table.delete().where(table.c.id == schedule_id))
    notices.announce(session, TOPIC)
    return done.rowcount > 0


def insert_firing(session: Session, **values: Any) -> bool:
    """Write that a schedule came due at a time; False where that is written already."""
    table = tables.Firing.__table__  # pyright: ignore[reportAttributeAccessIssue]
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.fire_at)
    return session.connection().execute(statement).first() is not None


def update_firing(session: Session, schedule_id: UUID, fire_at: datetime, **values: Any) -> None:
    """Say what came of it."""
    table = tables.Firing.__table__  # pyright: ignore[reportAttributeAccessIssue]
    matching = (table.c.schedule_id == schedule_id) & (table.c.fire_at == fire_at)
    session.connection().execute(table.update().where(matching).values(**values))


def find_overlap(session: Session, schedule_id: UUID) -> str | None:
    """An orchestration of this schedule that has not ended."""
    return session.connection().execute(_OVERLAPS, {"id": schedule_id}).scalar()


def count_launched(session: Session, schedule_id: UUID, since: datetime) -> int:
    """How many orchestrations it launched since then."""
    row = tables.Firing
    query = select(func.count()).select_from(row)
    matching = (row.schedule_id == schedule_id, row.status == "launched", row.created_at >= since)
    return session.exec(query.where(*matching)).one()


def select_firings(
    session: Session, schedule_id: UUID, *, before: datetime | None, limit: int
) -> Sequence[tables.Firing]:
    """The firings of a schedule, the newest first."""
    row = tables.Firing
    query = select(row).where(row.schedule_id == schedule_id)
    if before is not None:
        query = query.where(row.fire_at < before)
    return session.exec(query.order_by(col(row.fire_at).desc()).limit(limit)).all()


def prune(session: Session, *, older_than_hours: int) -> int:
    """Delete firings that are older; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
