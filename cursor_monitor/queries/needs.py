"""What of all that waits for a person somebody has seen already."""

from __future__ import annotations

from cursor_monitor.store import needs as store
from cursor_monitor.store.database import reading

MOST = 2000


def seen_marks(owner: str) -> frozenset[str]:
    """The marks of the newest that they have seen."""
    with reading() as session:
        return store.select_marks(session, owner, MOST)
