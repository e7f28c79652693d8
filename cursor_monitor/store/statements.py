"""Running one statement: in a session's transaction, or on the worker's own connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, Protocol

from sqlmodel import Session


class Rows(Protocol):
    """What a statement gave."""

    def fetchall(self) -> Sequence[Any]:
        """All rows."""
        ...


class Run(Protocol):
    """Runs a statement with its values."""

    def __call__(self, statement: LiteralString, values: Mapping[str, Any], /) -> Rows:
        """Run it."""
        ...


def of(session: Session) -> Run:
    """Runs statements in this session's transaction."""

    def run(statement: LiteralString, values: Mapping[str, Any], /) -> Rows:
        return session.connection().exec_driver_sql(statement, dict(values))

    return run
