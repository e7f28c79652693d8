"""The streams of runs: claimed under a lease, renewed, given back; written with a fence."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.conversation import ClaimedStream, OpenMessage, StreamWrite
from cursor_monitor.store.leases import IS_ORPHAN, LOCK_CLASS

_FREE = """
SELECT s.run_id FROM run_streams s JOIN agent_runs r ON r.id = s.run_id JOIN agents a ON a.id = s.agent_id
WHERE s.state = 'open' AND s.next_try_at <= clock_timestamp() AND a.agent_status IS DISTINCT FROM 'DELETED'
  AND (s.leased_until IS NULL OR s.leased_until < clock_timestamp()
       OR (s.leased_by = :worker AND s.run_id <> ALL(:held)))
ORDER BY r.ended_at IS NOT NULL, coalesce(s.heard_at, r.created_at) DESC LIMIT :room
FOR UPDATE OF s SKIP LOCKED
"""

_CLAIM = text(f"""
WITH free AS ({_FREE})
UPDATE run_streams s
SET lease_token = nextval('lease_token_seq'), leased_by = :worker, holder = :holder,
    leased_until = clock_timestamp() + make_interval(secs => :lease), updated_at = clock_timestamp()
FROM free, agent_runs r WHERE s.run_id = free.run_id AND r.id = s.run_id
RETURNING s.run_id, s.agent_id, s.lease_token, s.last_event_id, s.revision, s.next_position, s.characters, s.has_gap,
          s.failures, CASE WHEN s.next_position = 0 THEN r.prompt END AS prompt
""")  # noqa: S608

_OPEN_MESSAGES = text("""
SELECT DISTINCT ON (run_id) run_id, position, kind, length(text) AS length, is_complete,
       bool_or(kind = 'assistant') OVER (PARTITION BY run_id) AS has_answer
FROM agent_messages WHERE run_id = ANY(:ids) ORDER BY run_id, position DESC
""")
_OPEN_CALLS = text(
    "SELECT run_id, call_id, position FROM agent_tool_events WHERE run_id = ANY(:ids) AND outcome = 'running'"
)

_RENEW = text("""
UPDATE run_streams SET leased_until = clock_timestamp() + make_interval(secs => :lease), holder = :holder
WHERE run_id = ANY(:ids) AND leased_by = :worker AND lease_token = ANY(CAST(:tokens AS bigint[]))
RETURNING lease_token
""")

_ORPHANS = text(f"SELECT lease_token FROM run_streams WHERE state = 'open' AND leased_by <> :worker AND {IS_ORPHAN}")  # noqa: S608
_ADOPT = text(f"""
UPDATE run_streams SET leased_until = NULL, leased_by = NULL, lease_token = NULL, holder = NULL
WHERE state = 'open' AND lease_token = ANY(CAST(:tokens AS bigint[])) AND {IS_ORPHAN} RETURNING run_id
""")  # noqa: S608

_ADVANCE = text("""
UPDATE run_streams s
SET revision = s.revision + 1, last_event_id = d.last_event_id, events = s.events + d.events,
    next_position = d.next_position, characters = d.characters, has_gap = d.has_gap,
    heard_at = coalesce(d.heard_at, s.heard_at), failures = d.failures, error_message = d.error_message,
    state = d.state, source = coalesce(d.source, s.source), updated_at = clock_timestamp(),
    next_try_at = coalesce(clock_timestamp() + make_interval(secs => d.retry_seconds), s.next_try_at),
    lease_token = CASE WHEN d.leaves THEN NULL ELSE s.lease_token END,
    leased_by = CASE WHEN d.leaves THEN NULL ELSE s.leased_by END,
    leased_until = CASE WHEN d.leaves THEN NULL ELSE s.leased_until END,
    holder = CASE WHEN d.leaves THEN NULL ELSE s.holder END
FROM json_to_recordset(CAST(:rows AS json)) AS d (
    run_id text, token bigint, revision bigint, last_event_id text, events bigint, next_position integer,
    characters bigint, has_gap boolean, heard_at timestamptz, failures integer, error_message text, state text,
    source text, retry_seconds float8, leaves boolean)
WHERE s.run_id = d.run_id AND s.lease_token = d.token AND s.revision = d.revision
RETURNING s.run_id
""")
_PUT_AWAY = text("""
UPDATE run_streams SET next_try_at = clock_timestamp() + interval '10 min', failures = failures + 1,
    error_message = :error, lease_token = NULL, leased_by = NULL, leased_until = NULL, holder = NULL
WHERE run_id = :id AND lease_token = :token
""")
_REVISIONS = text("SELECT run_id, lease_token, revision FROM run_streams WHERE run_id = ANY(:ids)")


def claim(
    session: Session, *, worker: str, held: Collection[str], room: int, lease_seconds: float, holder: int | None
) -> list[ClaimedStream]:
    """Take up to `room` streams that nobody reads: runs that go on first, the most lately active before others.

    Those that this worker let go and not `held` any more are nobody's either.
    """
    values = {"worker": worker, "held": list(held), "room": room, "lease": lease_seconds, "holder": holder}
    rows = session.connection().execute(_CLAIM, values).mappings().all()
    if not rows:
        return []
    ids = {"ids": [row["run_id"] for row in rows]}
    last = {row.run_id: row for row in session.connection().execute(_OPEN_MESSAGES, ids)}
    calls: dict[str, dict[str, int]] = {}
    for row in session.connection().execute(_OPEN_CALLS, ids):
        calls.setdefault(row.run_id, {})[row.call_id] = row.position
    claimed = [ClaimedStream(**row, calls=calls.get(row["run_id"], {})) for row in rows]
    return [_with_message(stream, last.get(stream.run_id)) for stream in claimed]


def _with_message(stream: ClaimedStream, last: object) -> ClaimedStream:
    if last is None:
        return stream
    found = None if last.is_complete else OpenMessage(last.position, last.kind, last.length)  # pyright: ignore[reportAttributeAccessIssue]
    return replace(stream, open_message=found, has_answer=last.has_answer)  # pyright: ignore[reportAttributeAccessIssue]


def renew(
    session: Session, held: Sequence[ClaimedStream], *, worker: str, lease_seconds: float, holder: int | None
) -> set[int]:
    """Renew the leases of a worker in one statement; returns the tokens that are still held."""
    values = {
        "ids": [stream.run_id for stream in held],
        "tokens": [stream.lease_token for stream in held],
        "worker": worker,
        "lease": lease_seconds,
        "holder": holder,
    }
    return set(session.connection().execute(_RENEW, values).scalars())


def select_orphans(session: Session, *, worker: str) -> set[int]:
    """The tokens of the streams whose worker's lock is gone: it died, or lost its connection a moment ago."""
    return set(session.connection().execute(_ORPHANS, {"class": LOCK_CLASS, "worker": worker}).scalars())


def adopt(session: Session, tokens: Collection[int]) -> int:
    """Free those of these streams whose worker's lock is still gone; how many."""
    values = {"class": LOCK_CLASS, "tokens": list(tokens)}
    return len(session.connection().execute(_ADOPT, values).all())


def advance(session: Session, writes: Sequence[StreamWrite]) -> set[str]:
    """Write how far each stream was read, where its lease and revision are still ours; the ids of those runs."""
    rows = json.dumps([_row(write) for write in writes])
    return set(session.connection().execute(_ADVANCE, {"rows": rows}).scalars())


def select_written(session: Session, writes: Sequence[StreamWrite]) -> set[str]:
    """Those of these writes that are stored already: their answer was lost on the way."""
    rows = session.connection().execute(_REVISIONS, {"ids": [write.run_id for write in writes]}).all()
    stored = {row.run_id: (row.lease_token, row.revision) for row in rows}
    return {w.run_id for w in writes if stored.get(w.run_id) == (w.lease_token, w.revision + 1)}


def put_away(session: Session, run_id: str, lease_token: int, error: str) -> None:
    """Give back a stream that nobody is to touch for ten minutes."""
    session.connection().execute(_PUT_AWAY, {"id": run_id, "token": lease_token, "error": error})


def is_over(session: Session, run_id: str) -> bool:
    """True where the run is known to have ended, or is gone."""
    query = text("SELECT ended_at IS NULL FROM agent_runs WHERE id = :id")
    return not session.connection().execute(query, {"id": run_id}).scalar()


def _row(write: StreamWrite) -> dict[str, object]:
    heard_at = write.facts["heard_at"]
    return {
        **write.facts,
        "heard_at": heard_at.isoformat() if heard_at else None,
        "run_id": write.run_id,
        "token": write.lease_token,
        "revision": write.revision,
        "retry_seconds": write.retry_seconds,
        "leaves": write.is_over or write.retry_seconds is not None,
    }
