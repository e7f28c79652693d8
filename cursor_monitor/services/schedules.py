"""What a person does to the schedules: add, change, pause, run now, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.schedules import FiringStatus, Missed, Overlap
from cursor_monitor.engine.plan import refuse_unknown
from cursor_monitor.services.cron import parse_cron
from cursor_monitor.services.orchestrations import check_launch
from cursor_monitor.services.schedule_firing import fire, why_not
from cursor_monitor.store import schedules, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

SCHEDULES_LIMIT = 500
NAME_LIMIT = 100
PER_DAY_MOST, PER_DAY_USUAL = 1440, 24
_FIELDS = frozenset({"name", "cron", "time_zone", "request", "missed", "overlap", "max_per_day"})


@transactional
def create(session: Session, fields: Mapping[str, Any], *, by: str) -> str:
    """Add a schedule, which fires from now on; returns its id. Raises Invalid naming the field, Conflict."""
    values = _checked(session, fields)
    if schedules.count(session) >= SCHEDULES_LIMIT:
        raise Conflict(f"There are {SCHEDULES_LIMIT} schedules, which is the most; delete one first.")
    schedule_id, now = mint_uuid7(), database_now(session)
    known = {"id": schedule_id, "is_enabled": True, "changed_by": by, "created_at": now, "updated_at": now}
    next_run_at = parse_cron(values["cron"], values["time_zone"]).after(now)
    if not schedules.insert_schedule(session, **known, **values, next_run_at=next_run_at):
        raise _taken(values["name"])
    return str(schedule_id)


@transactional
def replace(session: Session, schedule_id: str, fields: Mapping[str, Any], *, by: str) -> None:
    """Put another in its place; it goes on from now, and whether it is paused stays. Raises Invalid, NotFound."""
    values = _checked(session, fields)
    schedule = _locked(session, schedule_id)
    if schedules.is_taken(session, values["name"], but=schedule.id):
        raise _taken(values["name"])
    now = database_now(session)
    next_run_at = parse_cron(values["cron"], values["time_zone"]).after(now) if schedule.is_enabled else None
    schedules.update(session, schedule.id, changed_by=by, updated_at=now, next_run_at=next_run_at, **values)


@transactional
def pause(session: Session, schedule_id: str, *, by: str) -> None:
    """Let it fire no more until it is resumed; raises Conflict where it is paused."""
    schedule = _locked(session, schedule_id)
    if not schedule.is_enabled:
        raise Conflict("The schedule is paused already.")
    now = database_now(session)
    schedules.update(session, schedule.id, is_enabled=False, next_run_at=None, changed_by=by, updated_at=now)


@transactional
def resume(session: Session, schedule_id: str, *, by: str) -> None:
    """Let it fire again; what would have come meanwhile was not missed. Raises Conflict where it is not paused."""
    schedule = _locked(session, schedule_id)
    if schedule.is_enabled:
        raise Conflict("The schedule is not paused.")
    now = database_now(session)
    next_run_at = parse_cron(schedule.cron, schedule.time_zone).after(now)
    schedules.update(session, schedule.id, is_enabled=True, next_run_at=next_run_at, changed_by=by, updated_at=now)


@transactional
def run_now(session: Session, schedule_id: str, *, by: str) -> None:
    """Launch what it launches, now and once; raises Conflict where its own limits do not allow it, or it is refused."""
    schedule, now = _locked(session, schedule_id), database_now(session)
    if reason := why_not(session, schedule, now):
        raise Conflict(f"Not launched: {reason}.")
    if fire(session, schedule, now, now, by_hand=by) != FiringStatus.LAUNCHED:
        (newest, *_) = schedules.select_firings(session, schedule.id, before=None, limit=1)
        raise Conflict(f"Not launched: {newest.reason}")


@transactional
def delete(session: Session, schedule_id: str, *, by: str) -> None:
    """Forget a schedule and its firings; what it launched stays. Raises NotFound."""
    schedules.delete(session, _locked(session, schedule_id).id)


def _checked(session: Session, fields: Mapping[str, Any]) -> dict[str, Any]:
    refuse_unknown(fields, _FIELDS)
    return {
        "name": _name(fields.get("name")),
        "cron": (cron := parse_cron(fields.get("cron"), fields.get("time_zone", "UTC"))).text,
        "time_zone": cron.zone.key,
        "request": _request(session, fields.get("request")),
        "missed": str(_choice(Missed, fields.get("missed", Missed.ONCE), "missed")),
        "overlap": str(_choice(Overlap, fields.get("overlap", Overlap.SKIP), "overlap")),
        "max_per_day": _most(fields.get("max_per_day", PER_DAY_USUAL)),
    }


def _request(session: Session, value: object) -> dict[str, Any]:
    """What is launched, checked as if it were launched now."""
    if not isinstance(value, Mapping):
        raise Invalid("request", "is missing; it holds what POST orchestrations takes")
    if "plan_hash" in value:
        raise Invalid("request.plan_hash", "cannot be kept: the plan is made anew at each firing; leave it out")
    try:
        check_launch(session, value)
    except Invalid as error:
        raise Invalid(f"request.{error.field}", error.message.partition(": ")[2]) from None
    return dict(value)


def _choice(kind: type[Missed] | type[Overlap], value: object, field: str) -> Missed | Overlap:
    try:
        return kind(str(value))
    except ValueError:
        raise Invalid(field, f"must be one of {', '.join(kind)}") from None


def _most(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= PER_DAY_MOST:
        raise Invalid("max_per_day", f"must be a whole number from 1 to {PER_DAY_MOST}")
    return value


def _name(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid("name", f"must be one line of 1 to {NAME_LIMIT} characters, such as nightly upgrade")
    return name


def _locked(session: Session, schedule_id: str) -> tables.Schedule:
    try:
        found = schedules.find(session, UUID(schedule_id), lock=True)
    except ValueError:
        found = None
    if found is None:
        raise NotFound(f"No schedule has the id {schedule_id[:60]}.")
    return found


def _taken(name: str) -> Invalid:
    return Invalid("name", f"{name!r} is taken; choose another")
