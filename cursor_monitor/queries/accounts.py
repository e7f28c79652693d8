"""Reading the accounts at Cursor: all that is known of each, and of its key nothing but the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.store import accounts as store
from cursor_monitor.store import budgets, spending, tables
from cursor_monitor.store.database import reading
from cursor_monitor.store.events import database_now


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account; `message` says what is wrong with it and what to do."""

    id: str
    name: str
    status: str  # active, paused, refused
    source: str  # environment, stored
    is_default: bool
    key_last4: str | None
    key_name: str | None
    owner_email: str | None
    owner_name: str | None
    api_url: str | None
    requests_per_minute: int | None
    max_parallel_agents: int | None
    max_agents_per_day: int | None
    max_followups_per_day: int | None
    max_cents_per_day: int | None
    agents_today: int
    followups_today: int
    cents_today: float
    requests_left: int | None  # of what the rate limit lets through at once; None before the first request
    requests_budget: int | None
    pace_percent: int | None
    blocked_until: datetime | None  # Cursor asked for patience until then
    trouble: str | None  # key, plan, money, secret
    message: str | None
    refused_at: datetime | None
    checked_at: datetime | None
    last_ok_at: datetime | None
    created_at: datetime
    created_by: str | None
    controls: tuple[str, ...]


def list_accounts() -> tuple[AccountRow, ...]:
    """Every account, the environment's first."""
    with reading() as session:
        return tuple(_row(session, account) for account in store.select_all(session))


def get_account(account_id: str) -> AccountRow:
    """One account; raises NotFound, for a deleted one too."""
    with reading() as session:
        account = store.find(session, account_id)
        if account is None or account.deleted_at is not None:
            raise NotFound(f"No account has the id {account_id[:60]}.")
        return _row(session, account)


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account as a choice."""

    id: str
    name: str
    is_default: bool


def list_names() -> tuple[AccountName, ...]:
    """Every account as a choice, the default one first."""
    with reading() as session:
        found = [AccountName(a.id, a.name, a.is_default) for a in store.select_all(session)]
    return tuple(sorted(found, key=lambda one: not one.is_default))


def _row(session: Session, a: tables.CursorAccount) -> AccountRow:
    today = spending.of_day(session, a.id, database_now(session))
    budget = budgets.facts(session, a.id)
    blocked = budget.get("blocked_until")
    return AccountRow(
        id=a.id,
        name=a.name,
        status=a.status,
        source=a.source,
        is_default=a.is_default,
        key_last4=a.key_last4,
        key_name=a.key_name,
        owner_email=a.owner_email,
        owner_name=a.owner_name,
        api_url=a.api_url,
        requests_per_minute=a.requests_per_minute,
        max_parallel_agents=a.max_parallel_agents,
        max_agents_per_day=a.max_agents_per_day,
        max_followups_per_day=a.max_followups_per_day,
        max_cents_per_day=a.max_cents_per_day,
        agents_today=today.agents,
        followups_today=today.followups,
        cents_today=round(today.cents, 2),
        requests_left=budget.get("budget_remaining"),
        requests_budget=budget.get("budget"),
        pace_percent=budget.get("pace_percent"),
        blocked_until=datetime.fromisoformat(blocked) if blocked else None,
        trouble=a.refusal_kind,
        message=a.refusal_message,
        refused_at=a.refused_at,
        checked_at=a.checked_at,
        last_ok_at=a.last_ok_at,
        created_at=a.created_at,
        created_by=a.created_by,
        controls=_controls(a),
    )


def _controls(a: tables.CursorAccount) -> tuple[str, ...]:
    found = ["resume" if a.is_paused else "pause", "check"]
    if not a.is_default:
        found.append("default")
    if a.source == "stored":
        found += ["replace-key", "delete"]
    return tuple(found)
