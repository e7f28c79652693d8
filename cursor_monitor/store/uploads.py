"""Pictures that wait to be sent to Cursor: held by one launch or follow-up, gone once it is done."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.store import tables

_PRUNE = text("""
DELETE FROM agent_uploads u
WHERE (u.held_by IS NULL AND u.created_at < statement_timestamp() - make_interval(hours => :hours))
   OR (u.held_by IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM agents a WHERE a.id = u.held_by AND a.launch_status = 'requested')
       AND NOT EXISTS (SELECT 1 FROM agent_followups f
                       WHERE f.id::text = u.held_by AND f.status IN ('requested', 'sending')))
""")


def insert_upload(session: Session, **values: object) -> None:
    """Keep a picture."""
    session.connection().execute(insert(tables.Upload.__table__).values(**values))  # pyright: ignore[reportAttributeAccessIssue]


def waiting_bytes(session: Session) -> int:
    """The size of all pictures that nothing holds."""
    row = tables.Upload
    return session.exec(select(func.coalesce(func.sum(row.size_bytes), 0)).where(col(row.held_by).is_(None))).one()


def hold(session: Session, ids: Sequence[str], holder: str) -> set[str]:
    """Give pictures to a launch or follow-up; those that it got, which are free and known."""
    table = tables.Upload.__table__  # pyright: ignore[reportAttributeAccessIssue]
    is_free = table.c.id.in_([UUID(one) for one in ids]) & table.c.held_by.is_(None)
    held = table.update().where(is_free).values(held_by=holder).returning(table.c.id)
    return {str(one) for one in session.connection().execute(held).scalars()}


def select_held(session: Session, holder: str) -> dict[str, tables.Upload]:
    """The pictures of a launch or follow-up, by their ids."""
    query = select(tables.Upload).where(tables.Upload.held_by == holder)
    return {str(one.id): one for one in session.exec(query)}


def forget(session: Session, holder: str) -> None:
    """Drop the pictures of a launch or follow-up that is done."""
    session.connection().execute(text("DELETE FROM agent_uploads WHERE held_by = :holder"), {"holder": holder})


def prune(session: Session, *, older_than_hours: int) -> int:
    """Drop what nothing came for, and what is held by something that has ended; how many."""
    return session.connection().execute(_PRUNE, {"hours": older_than_hours}).rowcount
