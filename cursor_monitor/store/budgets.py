"""The budgets of keys at Cursor: one row for each class of endpoints, shared by all workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.domain.budget import Budget, Limit, effective, limit_of, pace_of, refill
from cursor_monitor.store import tables

_NAMES = tuple(f.name for f in fields(Budget))


def change(
    session: Session,
    account: str,
    endpoint: str,
    per_minute: int,
    decide: Callable[[Budget, Limit, datetime], tuple[Budget, float]],
) -> float:
    """Lock a budget, let `decide` change it, and return the seconds that it says."""
    limit = limit_of(endpoint, per_minute)
    row = _locked(session, account, endpoint) or _begun(session, account, endpoint, per_minute, limit)
    now = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    budget, seconds = decide(Budget(**{name: getattr(row, name) for name in _NAMES}), limit, now)
    row.per_minute = per_minute
    for name in _NAMES:
        setattr(row, name, dict(budget.slots) if name == "slots" else getattr(budget, name))
    session.add(row)
    return seconds


def count(session: Session, account: str, endpoint: str, *, granted: int = 0, refused: int = 0) -> None:
    """Add to what was let through, and to what Cursor refused with 429."""
    table = tables.CursorBudget.__table__  # pyright: ignore[reportAttributeAccessIssue]
    session.flush()
    session.connection().execute(
        table.update()
        .where(table.c.account == account, table.c.endpoint == endpoint)
        .values(granted=table.c.granted + granted, refused=table.c.refused + refused)
    )


def facts(session: Session, account: str | None = None) -> dict[str, Any]:
    """The budget of an account, or of that used last: what is left, when it is whole again, and what Cursor said."""
    query = select(tables.CursorBudget).where(tables.CursorBudget.endpoint == "api")
    if account is not None:
        query = query.where(tables.CursorBudget.account == account)
    row = session.exec(query.order_by(col(tables.CursorBudget.refilled_at).desc()).limit(1)).first()
    if row is None:
        return {}
    now = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    budget = Budget(**{name: getattr(row, name) for name in _NAMES})
    limit = effective(budget, limit_of("api", row.per_minute), now)
    budget = refill(budget, limit, now)
    blocked = budget.blocked_until if budget.blocked_until and budget.blocked_until > now else None
    whole = now + timedelta(seconds=(limit.burst - budget.tokens) / limit.per_second)
    return {
        "rate_per_minute": row.per_minute,
        "budget": int(limit.burst),
        "budget_remaining": 0 if blocked else int(budget.tokens),
        "budget_reset_at": (blocked or whole).isoformat(),
        "blocked_until": blocked.isoformat() if blocked else None,
        "pace_percent": round(pace_of(budget, now) * 100),
        "observed_limit": row.seen_limit,
        "observed_remaining": row.seen_remaining,
        "observed_reset_at": row.seen_reset_at.isoformat() if row.seen_reset_at else None,
        "requests": row.granted,
        "refused": row.refused,
    }


def _locked(session: Session, account: str, endpoint: str) -> tables.CursorBudget | None:
    row = tables.CursorBudget
    return session.exec(select(row).where(row.account == account, row.endpoint == endpoint).with_for_update()).first()


def _begun(session: Session, account: str, endpoint: str, per_minute: int, limit: Limit) -> tables.CursorBudget:
    table = tables.CursorBudget.__table__  # pyright: ignore[reportAttributeAccessIssue]
    new = insert(table).values(
        account=account,
        endpoint=endpoint,
        per_minute=per_minute,
        tokens=limit.burst,
        refilled_at=text("clock_timestamp()"),
    )
    session.connection().execute(new.on_conflict_do_nothing())
    row = _locked(session, account, endpoint)
    assert row is not None  # noqa: S101 - just written, and rows of this table are never deleted
    return row
