"""Saved views of the fleet, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.store import notices, tables

TOPIC = "views"
_ROW = tables.FleetView


def select_all(session: Session, owners: Sequence[str]) -> Sequence[tables.FleetView]:
    """The views of these owners, by name."""
    query = select(_ROW).where(col(_ROW.owner).in_(owners))
    return session.exec(query.order_by(func.lower(_ROW.name), col(_ROW.id))).all()


def find(session: Session, view_id: UUID) -> tables.FleetView | None:
    """One view."""
    return session.get(_ROW, view_id)


def count(session: Session, owner: str) -> int:
    """How many an owner has."""
    return session.exec(select(func.count()).select_from(_ROW).where(_ROW.owner == owner)).one()


def insert_view(session: Session, **values: Any) -> bool:
    """Write a new one; False where the owner has one of that name."""
    table = _ROW.__table__  # pyright: ignore[reportAttributeAccessIssue]
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    notices.announce(session, TOPIC)
    return session.connection().execute(statement).first() is not None


def is_taken(session: Session, owner: str, name: str, but: UUID) -> bool:
    """True where another view of that owner has the name."""
    query = select(_ROW.id).where(_ROW.owner == owner, func.lower(_ROW.name) == name.lower(), _ROW.id != but)
    return session.exec(query).first() is not None


def update(session: Session, view_id: UUID, **values: Any) -> None:
    """Change columns of one view."""
    table = _ROW.__table__  # pyright: ignore[reportAttributeAccessIssue]
    changed = table.update().where(table.c.id == view_id).values(updated_at=text("clock_timestamp()"), **values)
    session.connection().execute(changed)
    notices.announce(session, TOPIC)


def delete_view(session: Session, view_id: UUID) -> None:
    """Forget it."""
    session.connection().execute(delete(_ROW).where(col(_ROW.id) == view_id))
    notices.announce(session, TOPIC)
