"""Leases: kept by those who live, taken from those who do not.

A worker that has a connection of its own holds a lock on it for as long as it lives; Postgres lets go of the lock with
the process, so its jobs go back at once. A host that froze keeps its connection: there the lease runs out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, LiteralString

import psycopg
from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.store import notices

LOCK_CLASS = 7266202
DOUBT_VALUES = {"class": LOCK_CLASS}
DOUBTS: LiteralString = """
SELECT count(*), count(*) FILTER (WHERE leased_until < clock_timestamp()),
       coalesce(array_agg(lease_token) FILTER (
           WHERE holder IS NOT NULL AND clock_timestamp() - pg_postmaster_start_time() > interval '5 s'
             AND holder NOT IN (
                 SELECT objid::bigint FROM pg_locks
                 WHERE locktype = 'advisory' AND classid = %(class)s AND objsubid = 2 AND granted
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))), '{}')
FROM orchestration_outbox_live WHERE status = 'processing'
"""
"""How many leases there are, how many ran out, and the tokens of those whose worker's lock is gone."""

_EXTEND = text("""
WITH held AS (
    SELECT id FROM orchestration_outbox_live
    WHERE status = 'processing' AND lease_token = ANY(CAST(:tokens AS bigint[])) ORDER BY id FOR NO KEY UPDATE)
UPDATE orchestration_outbox_live AS j
SET leased_until = clock_timestamp() + make_interval(secs => :lease), holder = :holder
FROM held WHERE j.id = held.id RETURNING j.lease_token
""")

_RETURN = """
UPDATE orchestration_outbox_live
SET status = 'pending', next_run_at = clock_timestamp(), ready_seq = nextval('ready_seq'), rerun_at = NULL,
    lease_token = NULL, leased_by = NULL, leased_until = NULL, holder = NULL, errors = errors || jsonb_build_object(
        'attempt', attempts, 'at', clock_timestamp(), 'worker', leased_by, 'error', CAST(:reason AS text))
WHERE id IN (SELECT id FROM orchestration_outbox_live WHERE status = 'processing' AND {which}
             ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) RETURNING id
"""

# A server that was just started has forgotten all locks; the living take a moment to come back.
IS_ORPHAN = """
holder IS NOT NULL AND clock_timestamp() - pg_postmaster_start_time() > interval '5 s' AND holder NOT IN (
    SELECT objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND classid = :class AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

# Rows are locked in one order by all who lock several; one that somebody else has is being settled or rescued.
_RESCUE = text(_RETURN.format(which="leased_until < clock_timestamp()"))
_ADOPT = text(_RETURN.format(which=f"lease_token = ANY(CAST(:tokens AS bigint[])) AND {IS_ORPHAN}"))


def extend(session: Session, tokens: Collection[int], *, lease_seconds: float, holder: int | None = None) -> set[int]:
    """Renew the leases of these tokens in one statement; returns those that are still held."""
    values = {"tokens": list(tokens), "lease": lease_seconds, "holder": holder}
    return set(session.connection().execute(_EXTEND, values).scalars())


def rescue(session: Session) -> int:
    """Return the jobs whose lease ran out; how many."""
    return _returned(session, _RESCUE, {"reason": "the lease ran out"})


def adopt(session: Session, tokens: Collection[int]) -> int:
    """Return those of these jobs whose worker's lock is still gone; how many."""
    values = {"class": LOCK_CLASS, "tokens": list(tokens), "reason": "the worker died"}
    return _returned(session, _ADOPT, values)


async def hold(connection: psycopg.AsyncConnection[Any], holder: int) -> bool:
    """Lock the number for as long as the connection lives; False while an earlier connection still has it."""
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_CLASS, holder))
    row = await cursor.fetchone()
    return bool(row and row[0])


def _returned(session: Session, statement: Any, values: dict[str, Any]) -> int:
    count = len(session.connection().execute(statement, values).all())
    if count:
        notices.wake_workers(session)
    return count
