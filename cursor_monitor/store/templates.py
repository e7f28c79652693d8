"""Prompt templates as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, select

from cursor_monitor.domain.templates import Variable
from cursor_monitor.store import notices, tables

TOPIC = "templates"


def find(session: Session, template_id: UUID) -> tables.PromptTemplate | None:
    """One template."""
    return session.get(tables.PromptTemplate, template_id)


def find_named(session: Session, name: str) -> tables.PromptTemplate | None:
    """The template of that name, in any case."""
    row = tables.PromptTemplate
    return session.exec(select(row).where(func.lower(row.name) == name.lower())).one_or_none()


def select_all(session: Session) -> Sequence[tables.PromptTemplate]:
    """Every template, by name."""
    return session.exec(select(tables.PromptTemplate).order_by(func.lower(tables.PromptTemplate.name))).all()


def count(session: Session) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(tables.PromptTemplate)).one()


def insert_template(session: Session, **values: Any) -> bool:
    """Write a new one; False where the name is taken."""
    table = tables.PromptTemplate.__table__  # pyright: ignore[reportAttributeAccessIssue]
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    made = session.connection().execute(statement).first()
    notices.announce(session, TOPIC)
    return made is not None


def update(session: Session, template_id: UUID, **values: Any) -> bool:
    """Change one; False where there is none."""
    table = tables.PromptTemplate.__table__  # pyright: ignore[reportAttributeAccessIssue]
    done = session.connection().execute(table.update().where(table.c.id == template_id).values(**values))
    notices.announce(session, TOPIC)
    return done.rowcount > 0


def delete(session: Session, template_id: UUID) -> bool:
    """Forget one; False where there is none."""
    table = tables.PromptTemplate.__table__  # pyright: ignore[reportAttributeAccessIssue]
    done = session.connection().execute(table.delete().where(table.c.id == template_id))
    notices.announce(session, TOPIC)
    return done.rowcount > 0


def variables_of(row: tables.PromptTemplate) -> tuple[Variable, ...]:
    """The blanks of a template."""
    return tuple(Variable(**{**one, "choices": tuple(one["choices"])}) for one in row.variables)
