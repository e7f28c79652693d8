"""Firing what is due: one transaction writes the firing, the orchestration and the next time, or none of them.

A worker that is killed at any moment leaves either all of it or nothing, and the row is held meanwhile, so that each
firing launches exactly once however many workers look.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from cursor_monitor.domain.errors import AppError, Unavailable
from cursor_monitor.domain.notifications import TEXT_LIMIT, Notice, NoticeKind, one_line
from cursor_monitor.domain.schedules import MISSED_MOST, FiringStatus, Missed, Overlap
from cursor_monitor.services import notify
from cursor_monitor.services.cron import Cron, parse_cron
from cursor_monitor.services.orchestrations import launch_within
from cursor_monitor.store import notices, schedules, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

log = logging.getLogger(__name__)

GRACE = timedelta(minutes=5)
"""A firing this late is still on time; an older one was missed."""

_AT_ONCE = 100


def fire_due() -> int:
    """Fire everything that is due; how many schedules that were."""
    for fired in range(_AT_ONCE):
        if not _fire_next():
            return fired
    return _AT_ONCE


@transactional
def _fire_next(session: Session) -> bool:
    schedule = schedules.take_due(session)
    if schedule is None or schedule.next_run_at is None:
        return False
    now = database_now(session)
    try:
        with session.begin_nested():
            next_run_at = _fire_all(session, schedule, schedule.next_run_at, now)
    except (Unavailable, DBAPIError):
        raise
    except Exception as error:  # one that cannot be fired must not keep the others from it
        log.exception("a schedule cannot be fired", extra={"schedule_id": str(schedule.id)})
        _put_off(session, schedule, schedule.next_run_at, now, error)
        next_run_at = now + GRACE
    schedules.update(session, schedule.id, next_run_at=next_run_at)
    return True


def _fire_all(session: Session, schedule: tables.Schedule, first: datetime, now: datetime) -> datetime | None:
    cron = parse_cron(schedule.cron, schedule.time_zone)
    for fire_at in _times(session, schedule, cron, first, now):
        fire(session, schedule, fire_at, now)
    return cron.after(now)


def _put_off(session: Session, schedule: tables.Schedule, fire_at: datetime, now: datetime, error: Exception) -> None:
    reason = one_line(error.message if isinstance(error, AppError) else type(error).__name__, 500)
    known = {"schedule_id": schedule.id, "fire_at": fire_at, "created_at": now}
    if schedules.insert_firing(session, **known, status=FiringStatus.FAILED, reason=reason):
        _tell(session, schedule, fire_at, reason)


def fire(session: Session, schedule: tables.Schedule, fire_at: datetime, now: datetime, *, by_hand: str = "") -> str:
    """Launch for one firing, unless that was done; what came of it, which the row says too. The schedule is held."""
    known = {"schedule_id": schedule.id, "fire_at": fire_at}
    written = {"status": FiringStatus.SKIPPED, "is_by_hand": bool(by_hand), "created_at": now}
    if not schedules.insert_firing(session, **known, **written):
        return FiringStatus.SKIPPED
    status, reason, launched = FiringStatus.SKIPPED, why_not(session, schedule, now), None
    if reason is None:
        try:
            with session.begin_nested():
                by = by_hand or f"schedule {schedule.name}"
                launched = launch_within(session, _request(schedule), by=by)
            status = FiringStatus.LAUNCHED
        except Unavailable:
            raise
        except AppError as error:
            status, reason = FiringStatus.FAILED, one_line(error.message, 500)
            _tell(session, schedule, fire_at, reason)
    schedules.update_firing(session, **known, status=status, reason=reason, orchestration_id=launched)
    notices.announce(session, schedules.TOPIC)
    return status


def why_not(session: Session, schedule: tables.Schedule, now: datetime) -> str | None:
    """Why nothing is launched now, by the schedule's own limits; None where it may."""
    if schedule.overlap == Overlap.SKIP and schedules.find_overlap(session, schedule.id):
        return "the orchestration of an earlier firing has not ended"
    launched = schedules.count_launched(session, schedule.id, now - timedelta(days=1))
    if launched >= schedule.max_per_day:
        return f"{launched} were launched within a day, which is its limit"
    return None


def _times(session: Session, schedule: tables.Schedule, cron: Cron, first: datetime, now: datetime) -> list[datetime]:
    """The firings to make now, of those that came since `first`."""
    is_late = now - first > GRACE
    if schedule.missed == Missed.SKIP and is_late:
        known = {"schedule_id": schedule.id, "fire_at": first, "created_at": now}
        schedules.insert_firing(session, **known, status=FiringStatus.SKIPPED, reason="missed: no worker ran then")
        recent = cron.after(now - GRACE)
        return [recent] if recent is not None and recent <= now else []
    if schedule.missed == Missed.ONCE:
        return [first]
    times = [first]
    while len(times) < MISSED_MOST and (coming := cron.after(times[-1])) is not None and coming <= now:
        times.append(coming)
    return times


def _request(schedule: tables.Schedule) -> dict[str, object]:
    return {"name": schedule.name, **schedule.request}


def _tell(session: Session, schedule: tables.Schedule, fire_at: datetime, reason: str) -> None:
    log.warning("a schedule could not launch", extra={"schedule_id": str(schedule.id), "reason": reason})
    told = Notice(
        kind=NoticeKind.SCHEDULE_FAILED,
        key=f"schedule:{schedule.id}:{fire_at.isoformat()}",
        title=f"The schedule {one_line(schedule.name, 100)} could not launch",
        text=one_line(reason, TEXT_LIMIT),
        at=fire_at,
        path="/schedules",
        facts={"schedule_id": str(schedule.id)},
    )
    notify.tell(session, told)
