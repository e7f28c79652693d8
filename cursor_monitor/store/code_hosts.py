"""What the code host said, and the budgets of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.store import tables

_UNSEEN = text("""
SELECT a.id FROM agents a LEFT JOIN code_host_states s ON s.agent_id = a.id
WHERE s.agent_id IS NULL AND a.launch_status = 'launched' AND a.agent_status IS DISTINCT FROM 'DELETED'
  AND (a.pr_url IS NOT NULL OR a.branch IS NOT NULL) AND position(:host IN coalesce(a.pr_url, a.repository)) > 0
  AND a.created_at > statement_timestamp() - make_interval(days => :days)
ORDER BY a.created_at DESC LIMIT :most
""")

_LEARN = text("""
INSERT INTO code_host_limits AS l
       (account, request_limit, remaining, reset_at, requests, unchanged, refused, ok_at, error_kind, error_message,
        error_at, blocked_until)
VALUES (:account, :request_limit, :remaining, :reset_at, :requests, :unchanged, :refused,
        CASE WHEN CAST(:error_kind AS text) IS NULL THEN clock_timestamp() END, :error_kind, :error_message,
        CASE WHEN CAST(:error_kind AS text) IS NOT NULL THEN clock_timestamp() END,
        clock_timestamp() + make_interval(secs => :blocked))
ON CONFLICT (account) DO UPDATE SET
    request_limit = coalesce(excluded.request_limit, l.request_limit),
    remaining = coalesce(excluded.remaining, l.remaining),
    reset_at = coalesce(excluded.reset_at, l.reset_at),
    requests = l.requests + excluded.requests,
    unchanged = l.unchanged + excluded.unchanged,
    refused = l.refused + excluded.refused,
    ok_at = coalesce(excluded.ok_at, l.ok_at),
    error_kind = coalesce(excluded.error_kind, l.error_kind),
    error_message = coalesce(excluded.error_message, l.error_message),
    error_at = coalesce(excluded.error_at, l.error_at),
    blocked_until = greatest(l.blocked_until, excluded.blocked_until)
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent's work is, as far as it is known."""

    agent_id: str
    orchestration_id: str | None
    repository: str | None
    branch: str | None
    pr_url: str | None
    ref: str | None
    is_working: bool
    is_put_away: bool  # archived or deleted at Cursor


def find_place(session: Session, agent_id: str) -> Place | None:
    """Where the work of an agent is; None for one that was not launched."""
    row = tables.Agent
    # Columns, not the row: what this transaction has just written by a statement counts.
    query = select(
        row.orchestration_id, row.repository, row.branch, row.pr_url, row.ref, row.is_working, row.agent_status
    )  # pyright: ignore[reportCallIssue, reportArgumentType]
    found = session.exec(query.where(row.id == agent_id, row.launch_status == "launched")).first()
    if found is None:
        return None
    parent, repository, branch, pr_url, ref, is_working, status = found
    is_put_away = status in ("ARCHIVED", "DELETED")
    return Place(agent_id, str(parent) if parent else None, repository, branch, pr_url, ref, is_working, is_put_away)


def find_state(session: Session, agent_id: str) -> tables.CodeHostState | None:
    """What was last seen of an agent's work."""
    return session.get(tables.CodeHostState, agent_id)


def select_checks(session: Session, agent_ids: Sequence[str]) -> dict[str, str]:
    """The sum of the checks of each of these agents that was looked at."""
    row = tables.CodeHostState
    return dict(session.exec(select(row.agent_id, row.checks_summary).where(col(row.agent_id).in_(agent_ids))).all())


def save_state(session: Session, **values: Any) -> None:
    """Write what was seen; what is not named stays as it was."""
    statement = insert(tables.CodeHostState.__table__).values(**values)  # pyright: ignore[reportAttributeAccessIssue]
    changed = {name: statement.excluded[name] for name in values if name != "agent_id"}
    session.connection().execute(statement.on_conflict_do_update(index_elements=["agent_id"], set_=changed))


def select_unseen(session: Session, host: str, *, days: int, most: int) -> Sequence[str]:
    """The newest agents that have pushed to that host and whose work was never looked at."""
    return session.connection().execute(_UNSEEN, {"host": host, "days": days, "most": most}).scalars().all()


def count_pending(session: Session) -> int:
    """How many agents have checks that are under way."""
    row = tables.CodeHostState
    return session.exec(select(func.count()).where(row.checks_summary == "pending")).one()


def find_limit(session: Session, account: str) -> tables.CodeHostLimit | None:
    """The budget of a token."""
    return session.get(tables.CodeHostLimit, account)


def newest_limit(session: Session) -> tables.CodeHostLimit | None:
    """The budget of the token that was used last."""
    row = tables.CodeHostLimit
    used = func.greatest(row.ok_at, row.error_at)
    return session.exec(select(row).order_by(used.desc().nulls_last()).limit(1)).first()


def learn(
    session: Session,
    account: str,
    *,
    requests: int,
    unchanged: int,
    request_limit: int | None,
    remaining: int | None,
    reset_at: datetime | None,
    error: tuple[str, str] | None = None,
    blocked_seconds: float | None = None,
) -> None:
    """Add what a look cost, and keep what it told of the budget."""
    session.connection().execute(
        _LEARN,
        {
            "account": account,
            "requests": requests,
            "unchanged": unchanged,
            "refused": 1 if error and error[0] == "limited" else 0,
            "request_limit": request_limit,
            "remaining": remaining,
            "reset_at": reset_at,
            "error_kind": error[0] if error else None,
            "error_message": error[1] if error else None,
            "blocked": blocked_seconds,
        },
    )
