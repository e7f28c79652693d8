"""Reading the accounts at Cursor: all that is known of each, and of its key nothing but the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.store import accounts as store
from cursor_monitor.store import tables
from cursor_monitor.store.database import reading


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
        return tuple(_row(account) for account in store.select_all(session))


def get_account(account_id: str) -> AccountRow:
    """One account; raises NotFound, for a deleted one too."""
    with reading() as session:
        account = store.find(session, account_id)
        if account is None or account.deleted_at is not None:
            raise NotFound(f"No account has the id {account_id[:60]}.")
        return _row(account)


def _row(a: tables.CursorAccount) -> AccountRow:
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
