"""Actions on many agents, each known by the id its caller gave it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.store import tables


def claim(session: Session, batch_id: UUID, action: str, request_hash: str, by: str) -> tables.Batch | None:
    """None for the first that comes with this id, else what came of it; raises Conflict for another request.

    Two at once: the second waits for the first's commit.
    """
    table = tables.Batch.__table__  # pyright: ignore[reportAttributeAccessIssue]
    values = {
        "id": batch_id,
        "action": action,
        "request_hash": request_hash,
        "accepted": [],
        "refused": [],
        "created_by": by,
    }
    made = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    if session.connection().execute(made).scalar() is not None:
        return None
    known = session.get_one(tables.Batch, batch_id)
    if known.request_hash != request_hash:
        message = "This batch_id was used for another request; make up a new one for a new request."
        raise Conflict(message, code="idempotency_conflict")
    return known


def finish(session: Session, batch_id: UUID, accepted: Sequence[str], refused: Sequence[dict[str, str]]) -> None:
    """Keep what came of it."""
    table = tables.Batch.__table__  # pyright: ignore[reportAttributeAccessIssue]
    changed = table.update().where(table.c.id == batch_id).values(accepted=list(accepted), refused=list(refused))
    session.connection().execute(changed)
