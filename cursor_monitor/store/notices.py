"""NOTIFY within the transaction: hints that leave with the commit and never without it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

CHANGES = "changes"
JOBS = "jobs"

_NOTIFY = text("SELECT pg_notify(:channel, topic) FROM unnest(CAST(:topics AS text[])) AS topic")


def announce(session: Session, *topics: str) -> None:
    """Tell every open page that these changed."""
    _notify(session, CHANGES, topics)


def wake_workers(session: Session) -> None:
    """Tell the workers that a job is due."""
    _notify(session, JOBS, ("due",))


def _notify(session: Session, channel: str, topics: Iterable[str]) -> None:
    session.connection().execute(_NOTIFY, {"channel": channel, "topics": list(topics)})
