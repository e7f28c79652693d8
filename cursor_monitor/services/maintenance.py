"""What has to be done now and then, by any worker: return lost jobs, forget what is old."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session

from cursor_monitor.store import (
    access,
    deliveries,
    heartbeats,
    history,
    idempotency,
    jobs,
    leases,
    needs,
    notifications,
    schedules,
    uploads,
)
from cursor_monitor.store.database import transactional

JOB_HOURS = 72
HEALTH_HOURS = 72
IDEMPOTENCY_HOURS = 48
DELIVERY_HOURS = 168
UPLOAD_HOURS = 24
NOTIFICATION_HOURS = 24 * 30
FIRING_HOURS = 24 * 90
SEEN_HOURS = 24 * 180


@transactional
def rescue_jobs(session: Session) -> int:
    """Return jobs whose lease ran out; how many."""
    return leases.rescue(session)


@transactional
def adopt_orphans(session: Session, tokens: Collection[int]) -> int:
    """Return those of them whose worker is still gone; how many."""
    return leases.adopt(session, tokens)


@transactional
def count_unknown_kinds(session: Session, known: Collection[str]) -> dict[str, int]:
    """How many jobs there are of each kind that is not among the known; they are left alone."""
    return jobs.count_other_kinds(session, known)


@transactional
def prepare_history(session: Session) -> int:
    """Make the partitions of the next days; how many were not there."""
    return history.prepare(session)


@transactional
def drop_history(session: Session) -> int:
    """Drop the days whose jobs are all past their time; how many."""
    return history.drop_old(session, older_than_hours=JOB_HOURS)


@transactional
def prune(session: Session) -> dict[str, int]:
    """Forget finished jobs, unused pictures, health events, old webhooks, ended sessions and the like; how many."""
    return {
        "access": access.prune(session),
        "jobs": history.delete_rest(session, older_than_hours=JOB_HOURS),
        "health_events": heartbeats.prune(session, older_than_hours=HEALTH_HOURS),
        "webhook_deliveries": deliveries.prune(session, older_than_hours=DELIVERY_HOURS),
        "uploads": uploads.prune(session, older_than_hours=UPLOAD_HOURS),
        "schedule_firings": schedules.prune(session, older_than_hours=FIRING_HOURS),
        "needs_seen": needs.prune(session, older_than_hours=SEEN_HOURS),
        "notifications": notifications.prune(session, older_than_hours=NOTIFICATION_HOURS),
        "idempotency_keys": idempotency.prune(session, older_than_hours=IDEMPOTENCY_HOURS),
    }
