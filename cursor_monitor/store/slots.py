"""Agents at work by account and repository, counted from the live rows under a lock, and who waits for a slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.room import Waiting
from cursor_monitor.store import tables

_STALE_SECONDS = 180
"""Who has not looked for so long keeps nobody else waiting."""

# An agent that does nothing until a person has answered keeps no other from working.
_LIVE = """
SELECT count(DISTINCT task) FILTER (WHERE NOT (is_blocked AND is_idle)),
       count(DISTINCT task) FILTER (WHERE NOT is_idle AND orchestration_id IS DISTINCT FROM CAST(:id AS uuid))
FROM (SELECT s.orchestration_id, (s.orchestration_id, s.task_key) AS task, o.status = 'blocked' AS is_blocked,
             (s.state ->> 'is_held')::boolean OR (
                 coalesce(s.state -> 'run' ->> 'status' IN ('FINISHED', 'ERROR', 'CANCELLED', 'EXPIRED'), false)
                 AND (s.state -> 'followups' = '[]' OR s.state -> 'followups' -> -1 ->> 'run_id' IS NOT NULL
                      OR (s.state -> 'followups' -> -1 ->> 'is_dropped')::boolean)) AS is_idle
      FROM agent_orchestrator_states s JOIN orchestrations o ON o.id = s.orchestration_id
      WHERE s.status IN ('launching', 'running') AND {where}) live
"""
_COUNT = {
    "account": text(_LIVE.format(where="o.account_id = :key")),
    "repository": text(_LIVE.format(where="o.repository = :key")),
}
_AHEAD = text("""
SELECT coalesce(sum(wanted), 0) FROM slot_waits
WHERE waits_on = :kind AND CASE :kind WHEN 'account' THEN account_id ELSE repository END = :key
  AND orchestration_id <> :id AND seen_at > CAST(:now AS timestamptz) - make_interval(secs => :stale)
  AND (priority > :priority
       OR (priority = :priority AND (since, orchestration_id) < (CAST(:since AS timestamptz), :id)))
""")
_WAIT = text("""
INSERT INTO slot_waits (orchestration_id, account_id, repository, waits_on, wanted, reason, priority, since, seen_at)
VALUES (:id, :account, :repository, :kind, :wanted, :reason, :priority, :now, :now)
ON CONFLICT (orchestration_id) DO UPDATE SET
    waits_on = excluded.waits_on, wanted = excluded.wanted, reason = excluded.reason, seen_at = excluded.seen_at
""")
_NEXT = text("""
SELECT orchestration_id FROM slot_waits
WHERE orchestration_id <> :id
  AND ((waits_on = 'account' AND account_id = :account) OR (waits_on = 'repository' AND repository = :repository))
ORDER BY priority DESC, since, orchestration_id LIMIT :limit
""")


def lock(session: Session, kind: str, key: str) -> None:
    """Let nobody else decide about this account or repository until the transaction ends."""
    session.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7266201))"), {"name": f"{kind}:{key}"}
    )


def count_live(session: Session, kind: str, key: str, but_for: UUID | None = None) -> tuple[int, int]:
    """How many tasks hold a slot there, and in how many of them an agent is truly at work, one orchestration aside."""
    live, busy = session.connection().execute(_COUNT[kind], {"key": key, "id": but_for}).one()
    return int(live), int(busy)


def waiting_since(session: Session, orchestration_id: UUID) -> datetime | None:
    """Since when the orchestration waits for a slot; None where it does not."""
    row = session.get(tables.SlotWait, orchestration_id)
    return row.since if row else None


def reason(session: Session, orchestration_id: UUID) -> str | None:
    """Why its ready tasks have no slot; None where they do not wait for one."""
    row = session.get(tables.SlotWait, orchestration_id)
    return row.reason if row else None


def ahead(session: Session, kind: str, key: str, *, orchestration_id: UUID, priority: int, now: datetime) -> int:
    """How many slots those want whose turn is before."""
    since = waiting_since(session, orchestration_id) or now
    values = {"kind": kind, "key": key, "id": orchestration_id, "priority": priority, "since": since, "now": now}
    return session.connection().execute(_AHEAD, {**values, "stale": _STALE_SECONDS}).scalar_one()


def wait(
    session: Session,
    orchestration_id: UUID,
    waiting: Waiting,
    *,
    account: str,
    repository: str,
    priority: int,
    now: datetime,
) -> None:
    """Note that tasks wait; who waited already keeps the place."""
    values = {"id": orchestration_id, "account": account, "repository": repository, "priority": priority, "now": now}
    what = {"kind": waiting.on, "wanted": waiting.wanted, "reason": waiting.reason}
    session.connection().execute(_WAIT, {**values, **what})


def stop_waiting(session: Session, orchestration_id: UUID) -> bool:
    """Give up the place; False where there was none."""
    done = session.connection().execute(
        text("DELETE FROM slot_waits WHERE orchestration_id = :id"), {"id": orchestration_id}
    )
    return done.rowcount > 0


def next_waiting(
    session: Session, orchestration_id: UUID, *, account: str, repository: str, limit: int
) -> Sequence[UUID]:
    """Those whose turn is next for what this orchestration gives back."""
    values = {"id": orchestration_id, "account": account, "repository": repository, "limit": limit}
    return session.connection().execute(_NEXT, values).scalars().all()
