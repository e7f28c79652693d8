"""The accounts at Cursor, as rows; keys come and go sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause, func, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.text import storable
from cursor_monitor.store import notices, tables

TOPIC = "accounts"
_NOW = text("clock_timestamp()")

_LIVE_WORK = text("""
SELECT (SELECT count(*) FROM agents WHERE account_id = :id AND (launch_status = 'requested' OR is_working)) AS agents,
       (SELECT count(*) FROM orchestrations WHERE account_id = :id
        AND status NOT IN ('completed', 'partial', 'error', 'stopped')) AS orchestrations
""")

_BLOCKED = text("""
SELECT id::text FROM orchestrations
WHERE account_id = :id AND status = 'blocked' AND error_code = ANY(:codes) ORDER BY id
""")

_RUNNING = text("SELECT id::text FROM orchestrations WHERE account_id = :id AND status = 'running' ORDER BY id")

# Only what waits for its time: a job that is worked on sees for itself that the account works again.
_WAKE = text("""
UPDATE orchestration_outbox_jobs j
SET next_run_at = clock_timestamp(), ready_seq = coalesce(j.ready_seq, nextval('ready_seq'))
WHERE j.status = 'pending' AND j.ready_seq IS NULL AND (
    j.args->>'account_id' = :id
    OR j.agent_id IN (SELECT a.id FROM agents a WHERE a.account_id = :id
                      AND (a.launch_status = 'requested' OR a.is_working))
    OR j.kind = 'send_followup' AND EXISTS (SELECT 1 FROM agents a WHERE a.id = j.agent_id AND a.account_id = :id))
""")


_WAKE_OLDEST = text("""
UPDATE orchestration_outbox_jobs j
SET next_run_at = clock_timestamp(), ready_seq = coalesce(j.ready_seq, nextval('ready_seq'))
WHERE j.id = (
    SELECT o.id FROM orchestration_outbox_jobs o JOIN agents a ON a.id = o.agent_id
    WHERE o.status = 'pending' AND o.ready_seq IS NULL AND o.kind IN ('launch_agent', 'send_followup')
    AND a.account_id = :id ORDER BY o.created_at, o.id LIMIT 1)
""")


def insert_account(session: Session, **values: Any) -> None:
    """Write a new account."""
    session.connection().execute(insert(tables.CursorAccount.__table__).values(**values))  # pyright: ignore[reportAttributeAccessIssue]
    _announce(session)


def find(session: Session, account_id: str, *, lock: bool = False) -> tables.CursorAccount | None:
    """One account, a deleted one too; with `lock`, nobody else changes it until the transaction ends."""
    query = select(tables.CursorAccount).where(tables.CursorAccount.id == account_id)
    return session.exec(query.with_for_update(key_share=True) if lock else query).one_or_none()


def find_named(session: Session, name_or_id: str) -> tables.CursorAccount | None:
    """The account with that id or, in any case, that name; never a deleted one."""
    row = tables.CursorAccount
    query = select(row).where(col(row.deleted_at).is_(None))
    by_id = session.exec(query.where(row.id == name_or_id)).one_or_none()
    if by_id is not None:
        return by_id
    return session.exec(query.where(func.lower(row.name) == name_or_id.lower())).one_or_none()


def find_default(session: Session) -> tables.CursorAccount | None:
    """The account that is used where none is named."""
    return session.exec(
        select(tables.CursorAccount).where(col(tables.CursorAccount.is_default).is_(True))
    ).one_or_none()


def ids_named(name_or_id: str) -> Any:
    """The accounts that are meant, deleted ones too, as a subquery for lists of what belongs to them."""
    row = tables.CursorAccount
    return select(row.id).where(or_(col(row.id) == name_or_id, func.lower(row.name) == name_or_id.lower()))


def resolve(session: Session, named: str | None) -> tables.CursorAccount:
    """The account of that name or id, the default one where none is named; raises Invalid for an unknown one."""
    found = find_named(session, named.strip()) if named and named.strip() else find_default(session)
    if found is None:
        names = ", ".join(account.name for account in select_all(session))
        raise Invalid("account", f"there is no account {storable(named or '')[:60]!r}; use one of: {names}")
    return found


def find_by_fingerprint(session: Session, fingerprint: str) -> tables.CursorAccount | None:
    """The account that has this key already."""
    row = tables.CursorAccount
    query = select(row).where(row.key_fingerprint == fingerprint, col(row.deleted_at).is_(None))
    return session.exec(query.limit(1)).first()


def select_all(session: Session, *, with_deleted: bool = False) -> Sequence[tables.CursorAccount]:
    """Every account, the environment's first, then by name."""
    row = tables.CursorAccount
    query = select(row) if with_deleted else select(row).where(col(row.deleted_at).is_(None))
    return session.exec(query.order_by(col(row.source), col(row.name))).all()


def update(session: Session, account_id: str, **values: Any) -> None:
    """Change columns of one account."""
    table = tables.CursorAccount.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.id == account_id).values(updated_at=_NOW, **values))
    _announce(session)


def clear_default(session: Session) -> None:
    """No account is the default for now; another follows in this transaction."""
    table = tables.CursorAccount.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.connection().execute(table.update().where(table.c.is_default).values(is_default=False))


def lock_keys(session: Session, *, alone: bool) -> None:
    """Keep the master key as it is until the transaction ends; `alone` for whoever changes it."""
    kind = "" if alone else "_shared"
    session.connection().execute(text(f"SELECT pg_advisory_xact_lock{kind}(7266202)"))


def count_live_work(session: Session, account_id: str) -> tuple[int, int]:
    """The agents and the orchestrations that still need this account."""
    row = session.connection().execute(_LIVE_WORK, {"id": account_id}).one()
    return row.agents, row.orchestrations


def select_blocked(session: Session, account_id: str, codes: Sequence[str]) -> Sequence[str]:
    """The orchestrations of this account that are blocked under one of these codes, the oldest first."""
    return list(session.connection().execute(_BLOCKED, {"id": account_id, "codes": list(codes)}).scalars())


def select_running(session: Session, account_id: str) -> Sequence[str]:
    """The orchestrations of this account that are running, the oldest first."""
    return list(session.connection().execute(_RUNNING, {"id": account_id}).scalars())


def wake_jobs(session: Session, account_id: str) -> int:
    """Bring forward what waits for this account; how many jobs."""
    return _wake(session, _WAKE, account_id)


def wake_oldest(session: Session, account_id: str) -> int:
    """Bring forward the one launch or follow-up that waits the longest for this account."""
    return _wake(session, _WAKE_OLDEST, account_id)


def _wake(session: Session, statement: TextClause, account_id: str) -> int:
    found = session.connection().execute(statement, {"id": account_id}).rowcount
    if found:
        notices.wake_workers(session)
    return found


def _announce(session: Session) -> None:
    notices.announce(session, TOPIC, "health")
