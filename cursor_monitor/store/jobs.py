"""The outbox: enqueue with the change, settle only as the holder of the lease; claims.py takes what is due."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.jobs import ClaimedJob, LeaseLost, NewJob
from cursor_monitor.domain.text import storable
from cursor_monitor.store import limits, notices, statements
from cursor_monitor.store.statements import Rows, Run
from cursor_monitor.tracing import carried

# A live job with the same key takes the new one in: sooner if it waits, once more if it is just being worked on.
# One with a concurrency key is not ready before it has its turn.
_ENQUEUE: LiteralString = """
INSERT INTO orchestration_outbox_live AS j
       (kind, args, orchestration_id, agent_id, dedupe_key, concurrency_key, priority, max_attempts, next_run_at,
        ready_seq)
SELECT n.kind, n.args::jsonb, n.orchestration_id, n.agent_id, n.dedupe_key, n.concurrency_key, n.priority,
       n.max_attempts, coalesce(n.run_at, clock_timestamp()),
       CASE WHEN n.run_at IS NULL AND n.concurrency_key IS NULL THEN nextval('ready_seq') END
FROM unnest(%(kinds)s::text[], %(args)s::text[], %(orchestrations)s::uuid[], %(agents)s::text[], %(keys)s::text[],
            %(concurrency)s::text[], %(priorities)s::int[], %(tries)s::int[], %(times)s::timestamptz[])
     WITH ORDINALITY AS n (kind, args, orchestration_id, agent_id, dedupe_key, concurrency_key, priority,
                           max_attempts, run_at, position)
ORDER BY n.position
ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO UPDATE SET
    next_run_at = CASE WHEN j.status = 'pending' THEN least(j.next_run_at, excluded.next_run_at) ELSE j.next_run_at END,
    ready_seq = CASE WHEN j.status = 'pending' THEN coalesce(j.ready_seq, excluded.ready_seq) END,
    rerun_at = CASE WHEN j.status = 'processing'
                    THEN least(coalesce(j.rerun_at, excluded.next_run_at), excluded.next_run_at) END
"""

# Zero rows for a job mean that its lease went to somebody else: the stale holder writes nothing. The token alone says
# that it is worked on; a condition on the status would have the index of all leases read beside the primary key.
_END: LiteralString = """
WITH ended AS (
    DELETE FROM orchestration_outbox_live AS j
    USING unnest(%(ids)s::bigint[], %(tokens)s::bigint[], %(statuses)s::text[], %(errors)s::text[])
          AS s (id, token, ending, error)
    WHERE j.id = s.id AND j.id = ANY(%(ids)s::bigint[]) AND j.lease_token = s.token AND j.rerun_at IS NULL
    RETURNING j.*, s.ending, s.error
)
INSERT INTO orchestration_outbox_jobs
       (id, kind, args, orchestration_id, agent_id, status, priority, dedupe_key, concurrency_key, attempts,
        max_attempts, next_run_at, errors, created_at, claimed_at, finished_at)
SELECT id, kind, args, orchestration_id, agent_id, ending, priority, dedupe_key, concurrency_key, attempts,
       max_attempts, next_run_at,
       CASE WHEN error IS NULL THEN errors ELSE errors || jsonb_build_object(
           'attempt', attempts, 'at', clock_timestamp(), 'worker', leased_by, 'error', error) END,
       created_at, claimed_at, clock_timestamp()
FROM ended RETURNING id
"""

# What goes on: a job that failed or snoozes, and one that ended and was asked for again meanwhile, which begins anew,
# a dead letter too: who asked may have mended the cause.
_KEEP: LiteralString = """
UPDATE orchestration_outbox_live AS j
SET status = 'pending',
    next_run_at = CASE
        WHEN s.status = 'pending' THEN least(coalesce(j.rerun_at, 'infinity'),
                                             clock_timestamp() + make_interval(secs => s.delay))
        ELSE j.rerun_at END,
    attempts = CASE WHEN s.is_fresh OR s.status <> 'pending' THEN 0
                    WHEN s.is_uncounted THEN greatest(j.attempts - 1, 0) ELSE j.attempts END,
    errors = CASE WHEN s.error IS NULL THEN j.errors ELSE j.errors || jsonb_build_object(
        'attempt', j.attempts, 'at', clock_timestamp(), 'worker', j.leased_by, 'error', s.error) END,
    rerun_at = NULL, lease_token = NULL, leased_by = NULL, leased_until = NULL, holder = NULL
FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[], %(statuses)s::text[], %(delays)s::float8[],
            %(fresh)s::boolean[], %(uncounted)s::boolean[], %(errors)s::text[])
     AS s (id, token, status, delay, is_fresh, is_uncounted, error)
WHERE j.id = s.id AND j.id = ANY(%(ids)s::bigint[]) AND j.lease_token = s.token
  AND (s.status = 'pending' OR j.rerun_at IS NOT NULL)
RETURNING j.id
"""

_FACTS: LiteralString = """
SELECT count(*) FILTER (WHERE status = 'processing' OR next_run_at <= clock_timestamp()) AS depth,
       count(*) FILTER (WHERE status = 'pending' AND next_run_at > clock_timestamp()) AS scheduled,
       (SELECT count(*) FROM orchestration_outbox_dead) AS dead_letters,
       extract(epoch FROM clock_timestamp() - min(next_run_at) FILTER (
           WHERE status = 'pending' AND next_run_at <= clock_timestamp()))::float8 AS oldest_due_seconds
FROM orchestration_outbox_live
"""

_OTHERS: LiteralString = """
SELECT kind, count(*) FROM orchestration_outbox_live WHERE kind <> ALL(%(kinds)s::text[]) GROUP BY kind
"""

_CHUNK = 1000


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
    """Write jobs in this transaction; workers are woken after its commit where one is due at once."""
    limits.ensure(session, {job.concurrency_key for job in jobs if job.concurrency_key})
    run = statements.of(session)
    rest = sorted(jobs, key=lambda job: job.dedupe_key or "")  # one order for all: no deadlock between two
    while rest:
        chunk, rest = _distinct(rest)
        run(_ENQUEUE, _columns(chunk))
    if any(job.run_at is None for job in jobs):
        notices.wake_workers(session)


def settle(session: Session, settlements: Sequence[Settlement]) -> set[int]:
    """Write what became of claimed jobs; returns the ids that were still this holder's to settle."""
    return settled(send_settlements(statements.of(session), settlements))


def send_settlements(run: Run, settlements: Sequence[Settlement]) -> list[Rows]:
    """Send the statements that write so; settled() reads the answers."""
    settlements = sorted(settlements, key=lambda s: s.job.id)
    ended = [s for s in settlements if s.status != "pending"]
    # A job without a key cannot have been asked for again, so it is gone already or was somebody else's.
    kept = [s for s in settlements if s.status == "pending" or s.job.has_key]
    answers = [run(_END, _endings(ended))] if ended else []
    return [*answers, run(_KEEP, _keepings(kept))] if kept else answers


def settled(answers: Sequence[Rows]) -> set[int]:
    """The ids that were still the holder's to settle."""
    return {row[0] for rows in answers for row in rows.fetchall()}


def complete_held(session: Session, job: ClaimedJob) -> None:
    """Complete a job in the transaction of its own writes; raises LeaseLost, which undoes them, if it is not held."""
    if not settle(session, [Settlement(job, "completed")]):
        raise LeaseLost(job.id)


def is_held(session: Session, job: ClaimedJob) -> bool:
    """True where the lease is still this holder's; the row is kept so until the transaction ends."""
    query = text("SELECT 1 FROM orchestration_outbox_live WHERE id = :id AND lease_token = :token FOR SHARE")
    return session.connection().execute(query, {"id": job.id, "token": job.lease_token}).scalar() is not None


def remember(session: Session, job: ClaimedJob, **facts: Any) -> None:
    """Keep facts with a job for its later tries, beside its other arguments; raises LeaseLost where it is not held."""
    query = text(
        "UPDATE orchestration_outbox_live SET args = args || CAST(:facts AS jsonb)"
        " WHERE id = :id AND lease_token = :token RETURNING 1"
    )
    values = {"facts": json.dumps(facts), "id": job.id, "token": job.lease_token}
    if session.connection().execute(query, values).scalar() is None:
        raise LeaseLost(job.id)


def lease_left(session: Session, job: ClaimedJob) -> float | None:
    """For how many seconds the lease is still this holder's if nobody renews it; None where it is not."""
    query = text(
        "SELECT extract(epoch FROM leased_until - clock_timestamp()) FROM orchestration_outbox_live "
        "WHERE id = :id AND lease_token = :token AND leased_until > clock_timestamp() FOR SHARE"
    )
    left = session.connection().execute(query, {"id": job.id, "token": job.lease_token}).scalar()
    return None if left is None else float(left)


def outbox_facts(session: Session) -> dict[str, Any]:
    """Depth (due or running), scheduled, dead letters, and the age in seconds of the oldest due job."""
    depth, scheduled, dead_letters, oldest = statements.of(session)(_FACTS, {}).fetchall()[0]
    return {
        "depth": depth,
        "scheduled": scheduled,
        "dead_letters": dead_letters,
        "oldest_due_seconds": None if oldest is None else round(oldest, 1),
    }


def count_other_kinds(session: Session, known: Collection[str]) -> dict[str, int]:
    """How many live jobs there are of each other kind."""
    rows = statements.of(session)(_OTHERS, {"kinds": list(known)}).fetchall()
    return {str(row[0]): int(row[1]) for row in rows}


def _distinct(jobs: Sequence[NewJob]) -> tuple[list[NewJob], list[NewJob]]:
    """As many as one statement takes, each key once, and the rest."""
    seen: set[str] = set()
    chunk: list[NewJob] = []
    rest: list[NewJob] = []
    for job in jobs:
        if len(chunk) == _CHUNK or job.dedupe_key in seen:
            rest.append(job)
        else:
            chunk.append(job)
            if job.dedupe_key is not None:
                seen.add(job.dedupe_key)
    return chunk, rest


def _columns(jobs: Sequence[NewJob]) -> dict[str, Any]:
    along = carried()
    return {
        "kinds": [str(job.kind) for job in jobs],
        "args": [json.dumps(job.args | along) for job in jobs],
        "orchestrations": [job.orchestration_id for job in jobs],
        "agents": [job.agent_id for job in jobs],
        "keys": [job.dedupe_key for job in jobs],
        "concurrency": [job.concurrency_key for job in jobs],
        "priorities": [job.priority for job in jobs],
        "tries": [job.max_attempts for job in jobs],
        "times": [job.run_at for job in jobs],
    }


def _endings(settlements: Sequence[Settlement]) -> dict[str, Any]:
    return {
        "ids": [s.job.id for s in settlements],
        "tokens": [s.job.lease_token for s in settlements],
        "statuses": [s.status for s in settlements],
        "errors": [None if s.error is None else storable(s.error) for s in settlements],
    }


def _keepings(settlements: Sequence[Settlement]) -> dict[str, Any]:
    return _endings(settlements) | {
        "delays": [float(s.delay) for s in settlements],
        "fresh": [s.is_fresh for s in settlements],
        "uncounted": [s.is_uncounted for s in settlements],
    }
