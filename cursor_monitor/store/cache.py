"""What Cursor's slow, limited listings said last."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT
from cursor_monitor.store import tables

_PUT = text("""
INSERT INTO cursor_cache (key, value, fetched_at) VALUES (:key, CAST(:value AS jsonb), clock_timestamp())
ON CONFLICT (key) DO UPDATE SET value = excluded.value, fetched_at = excluded.fetched_at
""")


# The claim is a row of its own, so that an answer from before is shown while a new one is on its way.
_CLAIM = text("""
INSERT INTO cursor_cache AS c (key, value, fetched_at) VALUES (:key, CAST(:source AS jsonb), clock_timestamp())
ON CONFLICT (key) DO UPDATE SET value = excluded.value, fetched_at = excluded.fetched_at
WHERE c.value <> excluded.value OR c.fetched_at < clock_timestamp() - make_interval(secs => :seconds)
RETURNING key
""")


def account_key(name: str, account_id: str) -> str:
    """Where the listing of that name is kept for an account."""
    return name if account_id == DEFAULT_ACCOUNT else f"{name}:{account_id}"


def branches_key(repository: str) -> str:
    """Where the branches of a repository are kept."""
    return f"branches:{repository}"


def claim_refresh(session: Session, key: str, seconds: float, source: str) -> bool:
    """True for the one caller that is to fetch anew: once in `seconds`, and at once when the source is another."""
    named = {"key": f"asked:{key}", "seconds": seconds, "source": json.dumps(source)}
    return session.connection().execute(_CLAIM, named).scalar() is not None


def release_refresh(session: Session, key: str) -> None:
    """Let the next caller fetch anew."""
    session.connection().execute(text("DELETE FROM cursor_cache WHERE key = :key"), {"key": f"asked:{key}"})


def put(session: Session, key: str, value: Any) -> None:
    """Keep the newest answer."""
    session.connection().execute(_PUT, {"key": key, "value": json.dumps(value)})


def forget(session: Session, *keys: str) -> None:
    """Drop these answers."""
    session.connection().execute(text("DELETE FROM cursor_cache WHERE key = ANY(:keys)"), {"keys": list(keys)})


def get(session: Session, key: str) -> tuple[Any, datetime] | None:
    """The newest answer and its time."""
    row = session.get(tables.CacheEntry, key)
    return (row.value, row.fetched_at) if row else None
