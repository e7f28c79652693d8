"""Repository profiles as rows, and the one that counts for a repository."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from cursor_monitor.domain.profiles import Profile, name_of
from cursor_monitor.store import notices, tables

TOPIC = "profiles"

# A pattern without * before those with one, then the one that says the most.
_CLOSEST = text(r"""
SELECT id FROM repository_profiles
WHERE :name LIKE replace(replace(pattern, '_', '\_'), '*', '%')
ORDER BY position('*' IN pattern) > 0, length(replace(pattern, '*', '')) DESC, pattern LIMIT 1
""")


def find_for(session: Session, repository: str) -> Profile | None:
    """The profile that counts for a repository; None where none fits."""
    found = session.connection().execute(_CLOSEST, {"name": name_of(repository)}).scalar_one_or_none()
    return profile_of(session.get_one(tables.RepositoryProfile, found)) if found is not None else None


def find(session: Session, profile_id: UUID) -> tables.RepositoryProfile | None:
    """One profile."""
    return session.get(tables.RepositoryProfile, profile_id)


def select_all(session: Session) -> Sequence[tables.RepositoryProfile]:
    """Every profile, by pattern."""
    row = tables.RepositoryProfile
    return session.exec(select(row).order_by(col(row.pattern))).all()


def count(session: Session) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(tables.RepositoryProfile)).one()


def insert_profile(session: Session, **values: Any) -> bool:
    """Write a new one; False where the pattern has one already."""
    table = tables.RepositoryProfile.__table__  # pyright: ignore[reportAttributeAccessIssue]
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    made = session.connection().execute(statement).first()
    notices.announce(session, TOPIC)
    return made is not None


def is_taken(session: Session, pattern: str, but: UUID) -> bool:
    """True where another profile has that pattern."""
    row = tables.RepositoryProfile
    return session.exec(select(row.id).where(row.pattern == pattern, row.id != but)).first() is not None


def update(session: Session, profile_id: UUID, **values: Any) -> bool:
    """Change one; False where there is none."""
    table = tables.RepositoryProfile.__table__  # pyright: ignore[reportAttributeAccessIssue]
    now = text("clock_timestamp()")
    done = session.connection().execute(table.update().where(table.c.id == profile_id).values(updated_at=now, **values))
    notices.announce(session, TOPIC)
    return done.rowcount > 0


def delete(session: Session, profile_id: UUID) -> bool:
    """Forget one; False where there is none."""
    table = tables.RepositoryProfile.__table__  # pyright: ignore[reportAttributeAccessIssue]
    done = session.connection().execute(table.delete().where(table.c.id == profile_id))
    notices.announce(session, TOPIC)
    return done.rowcount > 0


def profile_of(row: tables.RepositoryProfile) -> Profile:
    """The row as the rules it stands for."""
    return Profile(
        pattern=row.pattern,
        base_branches=tuple(row.base_branches),
        protected_branches=tuple(row.protected_branches),
        protected_paths=tuple(row.protected_paths),
        required_checks=tuple(row.required_checks),
        max_parallel_agents=row.max_parallel_agents,
        default_model=row.default_model,
        default_options=dict(row.default_options),
    )
