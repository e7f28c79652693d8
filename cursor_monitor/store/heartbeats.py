"""Heartbeats and health events: who is alive, and how Cursor last answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from cursor_monitor.store import notices, tables

_RECORD = text("""
INSERT INTO service_health_events (service, instance, kind, details)
VALUES (:service, :instance, :kind, CAST(:details AS jsonb))
""")

# The last hour is enough to tell who works now; anything older is offline and told by its events.
_NEWEST = text("""
SELECT DISTINCT ON (h.instance) h.instance, h.kind, h.created_at, h.details,
       extract(epoch FROM clock_timestamp() - h.created_at)::float8 AS age_seconds,
       (SELECT min(s.created_at) FROM service_health_events s
        WHERE s.service = 'worker' AND s.instance = h.instance AND s.kind = 'started') AS started_at
FROM service_health_events h
WHERE h.service = 'worker' AND h.created_at > statement_timestamp() - interval '1 hour'
ORDER BY h.instance, h.id DESC
""")

_LAST = text("""
SELECT h.instance, h.kind, h.created_at, h.details,
       extract(epoch FROM clock_timestamp() - h.created_at)::float8 AS age_seconds, NULL::timestamptz AS started_at
FROM service_health_events h WHERE h.service = 'worker' ORDER BY h.created_at DESC LIMIT 1
""")

# The last sign of each worker in each minute; its counts only grow, so the difference of two is what was between them.
_COUNTS = text("""
SELECT DISTINCT ON (h.instance, ago) h.instance,
       floor(extract(epoch FROM clock_timestamp() - h.created_at) / 60)::int AS ago,
       coalesce(h.details -> 'jobs', '{}') AS jobs,
       bool_or(h.kind = 'started') OVER (PARTITION BY h.instance) AS is_new
FROM service_health_events h
WHERE h.service = 'worker' AND h.created_at > clock_timestamp() - make_interval(mins => :minutes + 1)
ORDER BY h.instance, ago DESC, h.id DESC
""")

_PRUNE = text("""
DELETE FROM service_health_events WHERE id IN (
    SELECT id FROM service_health_events
    WHERE created_at < statement_timestamp() - make_interval(hours => :hours) LIMIT 5000)
""")


@dataclass(frozen=True, slots=True)
class JobCounts:
    """What became of one worker's jobs from its start to a minute so long `ago`; `is_new` where it began since."""

    instance: str
    ago: int
    jobs: dict[str, dict[str, dict[str, int]]]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The newest sign of one worker; its age is the database's."""

    instance: str
    kind: str
    created_at: datetime
    age_seconds: float
    started_at: datetime | None
    details: dict[str, Any]


def record(session: Session, *, service: str, instance: str, kind: str, details: dict[str, Any]) -> None:
    """Write one health event and tell the open pages."""
    session.connection().execute(
        _RECORD, {"service": service, "instance": instance, "kind": kind, "details": json.dumps(details)}
    )
    notices.announce(session, "health")


def select_newest_per_worker(session: Session) -> list[Heartbeat]:
    """The newest sign of each worker of the last hour, or of the last worker there ever was."""
    rows = session.connection().execute(_NEWEST).all() or session.connection().execute(_LAST).all()
    return [Heartbeat(r.instance, r.kind, r.created_at, r.age_seconds, r.started_at, r.details) for r in rows]


def select_job_counts(session: Session, *, minutes: int) -> list[JobCounts]:
    """The counts of each worker at the end of each of the last minutes and of the one before, the oldest first."""
    return [JobCounts(*row) for row in session.connection().execute(_COUNTS, {"minutes": minutes}).all()]


def select_cursor_facts(session: Session) -> dict[str, Any]:
    """When Cursor's API last answered and last failed, as the newest heartbeats tell."""
    facts: dict[str, Any] = {"ok_at": None, "error_at": None, "error_message": None}
    for beat in select_newest_per_worker(session):
        seen = beat.details.get("cursor_api") or {}
        if (seen.get("ok_at") or "") > (facts["ok_at"] or ""):
            facts["ok_at"] = seen["ok_at"]
        if (seen.get("error_at") or "") > (facts["error_at"] or ""):
            facts.update(error_at=seen["error_at"], error_message=seen.get("error_message"))
    return facts


def select_events(
    session: Session, *, service: str | None, before: int | None, limit: int
) -> Sequence[tables.HealthEvent]:
    """Health events, the newest first."""
    query = select(tables.HealthEvent)
    if service:
        query = query.where(tables.HealthEvent.service == service)
    if before is not None:
        query = query.where(tables.HealthEvent.id < before)
    return session.exec(query.order_by(col(tables.HealthEvent.id).desc()).limit(limit)).all()


def prune(session: Session, *, older_than_hours: int) -> int:
    """Delete health events that are older; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
