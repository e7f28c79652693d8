"""What a person does to the list of what waits for them: they have seen it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.services.caller import personal
from cursor_monitor.store import needs
from cursor_monitor.store.database import transactional

MOST_AT_ONCE, LONGEST = 200, 300


@transactional
def see(session: Session, marks: Sequence[str]) -> None:
    """Note that this person has seen these; raises Invalid for what cannot be such marks."""
    if len(marks) > MOST_AT_ONCE:
        raise Invalid("marks", f"are {len(marks)}, at most {MOST_AT_ONCE} can be seen at once")
    if any(len(mark) > LONGEST or "\x00" in mark for mark in marks):
        raise Invalid("marks", f"must have at most {LONGEST} characters each, and no NUL")
    if marks:
        needs.add(session, personal(), set(marks))
