"""The outbox: enqueue with the change, settle only as the holder of the lease; claims.py takes what is due."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.jobs import ClaimedJob, LeaseLost, NewJob
from cursor_monitor.domain.text import storable
from cursor_monitor.store import notices

# A live job with the same key takes the new one in: sooner if it waits, once more if it is just being worked on.
_ENQUEUE = text("""
INSERT INTO orchestration_outbox_jobs AS j
       (kind, args, orchestration_id, agent_id, dedupe_key, priority, max_attempts, next_run_at,
        ready_seq)
VALUES (:kind, CAST(:args AS jsonb), :orchestration_id, :agent_id, :dedupe_key, :priority, :max_attempts,
        coalesce(CAST(:run_at AS timestamptz), clock_timestamp()),
        CASE WHEN CAST(:run_at AS timestamptz) IS NULL THEN nextval('ready_seq') END)
ON CONFLICT (dedupe_key) WHERE status IN ('pending', 'processing') DO UPDATE SET
    next_run_at = CASE WHEN j.status = 'pending' THEN least(j.next_run_at, excluded.next_run_at) ELSE j.next_run_at END,
    ready_seq = CASE WHEN j.status = 'pending' THEN coalesce(j.ready_seq, excluded.ready_seq) END,
    rerun_at = CASE WHEN j.status = 'processing'
                    THEN least(coalesce(j.rerun_at, excluded.next_run_at), excluded.next_run_at) END
""")

# Zero rows for a job mean that its lease went to somebody else: the stale holder writes nothing. A job that ended and
# was asked for again meanwhile begins anew, a dead letter too: who asked may have mended the cause. The token alone
# says that it is worked on; a condition on the status would have the index of all leases read beside the primary key.
_SETTLE = text("""
UPDATE orchestration_outbox_jobs AS j
SET status = CASE WHEN j.rerun_at IS NULL THEN s.status ELSE 'pending' END,
    next_run_at = CASE
        WHEN s.status = 'pending' THEN least(coalesce(j.rerun_at, 'infinity'),
                                             clock_timestamp() + make_interval(secs => s.delay))
        ELSE coalesce(j.rerun_at, j.next_run_at) END,
    attempts = CASE WHEN s.is_fresh OR (s.status <> 'pending' AND j.rerun_at IS NOT NULL) THEN 0
                    WHEN s.is_uncounted THEN greatest(j.attempts - 1, 0) ELSE j.attempts END,
    errors = CASE WHEN s.error IS NULL THEN j.errors ELSE j.errors || jsonb_build_object(
        'attempt', j.attempts, 'at', clock_timestamp(), 'worker', j.leased_by, 'error', s.error) END,
    rerun_at = NULL, lease_token = NULL, leased_by = NULL, leased_until = NULL, holder = NULL,
    finished_at = CASE WHEN s.status = 'pending' OR j.rerun_at IS NOT NULL THEN NULL ELSE clock_timestamp() END
FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS bigint[]), CAST(:statuses AS text[]), CAST(:delays AS float8[]),
            CAST(:fresh AS boolean[]), CAST(:uncounted AS boolean[]), CAST(:errors AS text[]))
     AS s (id, token, status, delay, is_fresh, is_uncounted, error)
WHERE j.id = s.id AND j.lease_token = s.token
RETURNING j.id
""")

_FACTS = text("""
SELECT (SELECT count(*) FROM orchestration_outbox_jobs
        WHERE status = 'processing' OR (status = 'pending' AND next_run_at <= clock_timestamp())) AS depth,
       (SELECT count(*) FROM orchestration_outbox_jobs
        WHERE status = 'pending' AND next_run_at > clock_timestamp()) AS scheduled,
       (SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'failed') AS dead_letters,
       (SELECT extract(epoch FROM clock_timestamp() - min(next_run_at))::float8 FROM orchestration_outbox_jobs
        WHERE status = 'pending' AND next_run_at <= clock_timestamp()) AS oldest_due_seconds
""")

_PRUNE = text("""
DELETE FROM orchestration_outbox_jobs WHERE id IN (
    SELECT id FROM orchestration_outbox_jobs
    WHERE status IN ('completed', 'cancelled') AND finished_at < clock_timestamp() - make_interval(hours => :hours)
    LIMIT 5000)
""")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a claimed job: completed, failed, or pending again after `delay` seconds.

    `is_fresh` forgets the attempts so far: a snooze is no failure. `is_uncounted` forgets this one only.
    """

    job: ClaimedJob
    status: str
    delay: float = 0.0
    is_fresh: bool = False
    is_uncounted: bool = False
    error: str | None = None


def enqueue(session: Session, jobs: Sequence[NewJob]) -> None:
    """Write jobs in this transaction; workers are woken by its commit where one is due at once."""
    for job in sorted(jobs, key=lambda job: job.dedupe_key or ""):  # one order for all: no deadlock between two
        session.connection().execute(
            _ENQUEUE,
            {
                "kind": job.kind,
                "args": json.dumps(job.args),
                "orchestration_id": UUID(job.orchestration_id) if job.orchestration_id else None,
                "agent_id": job.agent_id,
                "dedupe_key": job.dedupe_key,
                "priority": job.priority,
                "max_attempts": job.max_attempts,
                "run_at": job.run_at,
            },
        )
    if any(job.run_at is None for job in jobs):
        notices.wake_workers(session)


def settle(session: Session, settlements: Sequence[Settlement]) -> set[int]:
    """Write what became of claimed jobs; returns the ids that were still this holder's to settle."""
    if not settlements:
        return set()
    rows = session.connection().execute(
        _SETTLE,
        {
            "ids": [s.job.id for s in settlements],
            "tokens": [s.job.lease_token for s in settlements],
            "statuses": [s.status for s in settlements],
            "delays": [float(s.delay) for s in settlements],
            "fresh": [s.is_fresh for s in settlements],
            "uncounted": [s.is_uncounted for s in settlements],
            "errors": [None if s.error is None else storable(s.error) for s in settlements],
        },
    )
    return set(rows.scalars())


def complete_held(session: Session, job: ClaimedJob) -> None:
    """Complete a job in the transaction of its own writes; raises LeaseLost, which undoes them, if it is not held."""
    if not settle(session, [Settlement(job, "completed")]):
        raise LeaseLost(job.id)


def is_held(session: Session, job: ClaimedJob) -> bool:
    """True where the lease is still this holder's; the row is kept so until the transaction ends."""
    query = text(
        "SELECT 1 FROM orchestration_outbox_jobs"
        " WHERE id = :id AND lease_token = :token AND status = 'processing' FOR SHARE"
    )
    return session.connection().execute(query, {"id": job.id, "token": job.lease_token}).scalar() is not None


def outbox_facts(session: Session) -> dict[str, Any]:
    """Depth (due or running), scheduled, dead letters, and the age in seconds of the oldest due job."""
    row = session.connection().execute(_FACTS).one()
    oldest = row.oldest_due_seconds
    return {
        "depth": row.depth,
        "scheduled": row.scheduled,
        "dead_letters": row.dead_letters,
        "oldest_due_seconds": None if oldest is None else round(oldest, 1),
    }


def prune(session: Session, *, older_than_hours: int) -> int:
    """Delete finished jobs that are older; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
