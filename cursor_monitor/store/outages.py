"""What an error of the database says about it: out of reach, full, read-only or overrun, in words for a person."""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cursor_monitor.domain.errors import Unavailable

_FULL = ("database_full", "The disk of the database is full; nothing is written until there is room on it.")
_READ_ONLY = ("database_read_only", "The database is read-only for now (full, or a standby); nothing is written.")
_BUSY = ("database_busy", "All connections to the database are in use; try again in a moment.")
_WORDS = {"53100": _FULL, "25006": _READ_ONLY, "53300": _BUSY}
# The link broke, we stood idle for too long, or the server is shutting down or starting (57P0x).
_LOST = ("25P03",)


def outage_of(error: BaseException) -> Unavailable | None:
    """The outage that the error tells of, None where it tells of something else."""
    if isinstance(error, PoolTimeout):
        return _said(_BUSY)
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None) or ""
    if state in _WORDS:
        return _said(_WORDS[state])
    if state[:3] == "57P" or state in _LOST or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return out_of_reach()
    if isinstance(error, psycopg.OperationalError):
        return out_of_reach()
    is_of_the_link = isinstance(error, (OperationalError, InterfaceError))
    return out_of_reach() if is_of_the_link and not state else None


def out_of_reach() -> Unavailable:
    """Nobody answers."""
    return Unavailable("The database cannot be reached; what was last known is shown.", code="database_unavailable")


def _said(words: tuple[str, str]) -> Unavailable:
    code, message = words
    return Unavailable(message, code=code)
