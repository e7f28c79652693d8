"""How many jobs of one concurrency key run at once: counted from the rows that live, never a counter that can leak."""

from __future__ import annotations

from collections.abc import Collection
from typing import LiteralString

from sqlmodel import Session

from cursor_monitor.store import statements
from cursor_monitor.store.statements import Rows, Run

_ENSURE: LiteralString = """
INSERT INTO outbox_limits (concurrency_key) SELECT unnest(%(keys)s::text[]) ON CONFLICT DO NOTHING
"""
_SET: LiteralString = """
INSERT INTO outbox_limits (concurrency_key, max_running) VALUES (%(key)s, %(most)s)
ON CONFLICT (concurrency_key) DO UPDATE SET max_running = excluded.max_running
"""
# Who gives out turns of a key holds it until the commit; others leave that key to them meanwhile.
_HOLD: LiteralString = """
SELECT l.concurrency_key FROM outbox_limits l
WHERE EXISTS (SELECT 1 FROM orchestration_outbox_live j WHERE j.concurrency_key = l.concurrency_key
              AND j.status = 'pending' AND j.ready_seq IS NULL AND j.next_run_at <= clock_timestamp())
ORDER BY l.concurrency_key FOR UPDATE SKIP LOCKED
"""
# A statement of its own, so that it sees every turn that was given before the key was held.
_GIVE: LiteralString = """
WITH turns AS MATERIALIZED (
    SELECT due.id, nextval('ready_seq') AS seq
    FROM outbox_limits l, LATERAL (
        SELECT id FROM orchestration_outbox_live
        WHERE concurrency_key = l.concurrency_key AND status = 'pending' AND ready_seq IS NULL
          AND next_run_at <= clock_timestamp()
        ORDER BY priority DESC, next_run_at, id
        LIMIT CASE WHEN l.max_running IS NULL THEN 1000 ELSE greatest(0, l.max_running - (
            SELECT count(*) FROM orchestration_outbox_live r WHERE r.concurrency_key = l.concurrency_key
            AND (r.ready_seq IS NOT NULL OR r.lease_token IS NOT NULL))) END
        FOR UPDATE SKIP LOCKED) AS due
    WHERE l.concurrency_key = ANY(%(keys)s::text[])
)
UPDATE orchestration_outbox_live AS j SET ready_seq = turns.seq FROM turns
WHERE j.id = turns.id AND j.id = ANY(ARRAY(SELECT id FROM turns)) RETURNING j.id
"""
_NEXT: LiteralString = """
SELECT EXISTS (SELECT 1 FROM orchestration_outbox_live WHERE concurrency_key IS NOT NULL AND status = 'pending'
               AND ready_seq IS NULL AND next_run_at <= clock_timestamp()),
       (SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 FROM orchestration_outbox_live
        WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NOT NULL
          AND next_run_at > clock_timestamp())
"""


def ensure(session: Session, keys: Collection[str]) -> None:
    """Know these keys; one that is new has no limit."""
    if keys:
        statements.of(session)(_ENSURE, {"keys": sorted(keys)})


def set_limit(session: Session, key: str, max_running: int | None) -> None:
    """From now on so many jobs of the key run at once; None for any number."""
    statements.of(session)(_SET, {"key": key, "most": max_running})


def give_turns(run: Run) -> int:
    """Make as many due jobs ready as the limits of their keys leave room for; how many."""
    held = [row[0] for row in run(_HOLD, {}).fetchall()]
    return len(run(_GIVE, {"keys": held}).fetchall()) if held else 0


def send_next(run: Run) -> Rows:
    """Ask whether a job waits for its turn, and in how many seconds the next one will; read the one row's two."""
    return run(_NEXT, {})
