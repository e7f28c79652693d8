"""Hints that leave with the commit and never without it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.store import database
from cursor_monitor.store.bell import bell
from cursor_monitor.store.herald import herald

CHANGES = "changes"
DUE = "due"
LOST = "lost"

_NOTIFY = text("SELECT pg_notify(:channel, topic) FROM unnest(CAST(:topics AS text[])) AS topic")


def announce(session: Session, *topics: str) -> None:
    """Tell every open page that these changed."""
    _notify(session, CHANGES, topics)


def wake_workers(session: Session) -> None:
    """Tell the workers, once this is committed, that a job is due."""
    database.after_commit(session, _call_due)


def stop_holders(session: Session) -> None:
    """Tell the workers, once this is committed, that a job they run is theirs no more."""
    database.after_commit(session, _call_lost)


def _call_due() -> None:
    herald.call(DUE)
    bell.call(DUE)


def _call_lost() -> None:
    herald.call(LOST)
    bell.call(LOST)


def _notify(session: Session, channel: str, topics: Iterable[str]) -> None:
    session.connection().execute(_NOTIFY, {"channel": channel, "topics": list(topics)})
