"""Reading the schedules: when they come next, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.store import schedules as store
from cursor_monitor.store import tables
from cursor_monitor.store.database import reading

SHOWN_FIRINGS = 3


@dataclass(frozen=True, slots=True)
class FiringRow:
    """One time that a schedule came due."""

    fire_at: datetime
    status: str  # launched, skipped, failed
    orchestration_id: str | None
    reason: str | None
    is_by_hand: bool


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule with its newest firings; `next_run_at` is None while it is paused."""

    id: str
    name: str
    cron: str
    time_zone: str
    request: dict[str, Any]
    missed: str
    overlap: str
    max_per_day: int
    is_enabled: bool
    next_run_at: datetime | None
    firings: tuple[FiringRow, ...]
    changed_by: str
    created_at: datetime
    updated_at: datetime


def list_schedules() -> tuple[ScheduleRow, ...]:
    """Every schedule, by name."""
    with reading() as session:
        return tuple(_row(session, one) for one in store.select_all(session))


def get_schedule(schedule_id: str) -> ScheduleRow:
    """One schedule; raises NotFound."""
    with reading() as session:
        return _row(session, _found(session, schedule_id))


def list_firings(schedule_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[FiringRow]:
    """What came of a schedule, the newest first; raises NotFound."""
    check_limit(limit)
    position = decode_cursor(cursor, 1)
    with reading() as session:
        schedule = _found(session, schedule_id)
        before = _moment(position[0]) if position else None
        rows = store.select_firings(session, schedule.id, before=before, limit=limit + 1)
    shown = tuple(_firing(row) for row in rows[:limit])
    return Page(shown, encode_cursor(shown[-1].fire_at.isoformat()) if len(rows) > limit else None)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("cursor", "is not one that this server gave out; start again without it") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _found(session: Session, schedule_id: str) -> tables.Schedule:
    try:
        found = store.find(session, UUID(schedule_id))
    except ValueError:
        found = None
    if found is None:
        raise NotFound(f"No schedule has the id {schedule_id[:60]}.")
    return found


def _row(session: Session, one: tables.Schedule) -> ScheduleRow:
    return ScheduleRow(
        id=str(one.id),
        name=one.name,
        cron=one.cron,
        time_zone=one.time_zone,
        request=dict(one.request),
        missed=one.missed,
        overlap=one.overlap,
        max_per_day=one.max_per_day,
        is_enabled=one.is_enabled,
        next_run_at=one.next_run_at,
        firings=tuple(map(_firing, store.select_firings(session, one.id, before=None, limit=SHOWN_FIRINGS))),
        changed_by=one.changed_by,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _firing(one: tables.Firing) -> FiringRow:
    launched = str(one.orchestration_id) if one.orchestration_id else None
    return FiringRow(one.fire_at, one.status, launched, one.reason, one.is_by_hand)
