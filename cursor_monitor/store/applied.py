"""Which version of the schema the opened database has."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session


def applied_version(session: Session) -> int | None:
    """The newest version applied; None where there is no schema yet."""
    if session.connection().execute(text("SELECT to_regclass('schema_version')")).scalar() is None:
        return None
    return session.connection().execute(text("SELECT max(version) FROM schema_version")).scalar()
