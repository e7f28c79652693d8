"""Who did what: written with each change, and for what was refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from cursor_monitor.domain.access import Actor
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.store import audit, notices
from cursor_monitor.store.database import transactional

log = logging.getLogger(__name__)

TOPIC = "access"
DONE, BEGUN, REFUSED, FAILED = "done", "begun", "refused", "failed"
_TEXT_MOST = 200


def note(
    session: Session, actor: Actor, action: str, subject: str | None = None, outcome: str = DONE, **details: object
) -> None:
    """Write an entry in the transaction of the change itself."""
    audit.write(session, _entry(actor, action, subject, outcome, details))
    notices.announce(session, TOPIC)


def record(
    actor: Actor, action: str, subject: str | None = None, outcome: str = DONE, details: Mapping[str, object] = {}
) -> None:
    """Write an entry on its own; a database that is out leaves a line in the log instead."""
    entry = _entry(actor, action, subject, outcome, details)
    try:
        _write(entry)
    except (Unavailable, SQLAlchemyError, psycopg.Error):
        log.warning("could not write to the audit log", extra={"entry": entry})


@transactional
def _write(session: Session, entry: Mapping[str, object]) -> None:
    audit.write(session, entry)


def _entry(
    actor: Actor, action: str, subject: str | None, outcome: str, details: Mapping[str, object]
) -> dict[str, object]:
    return {
        "actor": plain(actor.name),
        "kind": str(actor.kind),
        "action": plain(action),
        "subject": plain(subject) if subject is not None else None,
        "outcome": outcome,
        "details": json.dumps({key: plain(str(value)) for key, value in details.items()}),
        "ip": actor.ip,
    }


def plain(value: str) -> str:
    """A short text that Postgres can keep and a line of a log can hold."""
    short = value[:_TEXT_MOST].encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in short)
