"""What of all that waits for a person somebody has seen."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

from cursor_monitor.store import notices

_ADD = text("""
INSERT INTO needs_seen (owner, mark) SELECT :owner, mark FROM unnest(CAST(:marks AS text[])) AS mark
ON CONFLICT DO NOTHING
""")
_SELECT = text("SELECT mark FROM needs_seen WHERE owner = :owner ORDER BY seen_at DESC LIMIT :most")
_PRUNE = text("DELETE FROM needs_seen WHERE seen_at < statement_timestamp() - make_interval(hours => :hours)")


def add(session: Session, owner: str, marks: Iterable[str]) -> None:
    """Note that somebody has seen these, and tell their open pages."""
    known = {"owner": owner, "marks": sorted(marks)}
    if session.connection().execute(_ADD, known).rowcount:
        notices.announce(session, f"seen:{owner}")


def select_marks(session: Session, owner: str, most: int) -> frozenset[str]:
    """The newest that somebody has seen."""
    return frozenset(session.connection().execute(_SELECT, {"owner": owner, "most": most}).scalars())


def prune(session: Session, *, older_than_hours: int) -> int:
    """Forget what was seen longer ago; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
