"""The saved views of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.fleet import EVERYBODY
from cursor_monitor.store import tables
from cursor_monitor.store import views as store
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A name for an address of the list of agents; `shared` where it is everybody's."""

    id: str
    name: str
    query: str
    shared: bool
    created_by: str
    created_at: datetime
    updated_at: datetime


def list_views(owner: str) -> tuple[ViewRow, ...]:
    """A person's own and everybody's, by name."""
    with reading() as session:
        return tuple(_row(one) for one in store.select_all(session, sorted({owner, EVERYBODY})))


def get_view(view_id: str, owner: str) -> ViewRow:
    """One view; raises NotFound, for another person's too."""
    with reading() as session:
        try:
            found = store.find(session, UUID(view_id))
        except ValueError:
            found = None
        if found is None or found.owner not in (owner, EVERYBODY):
            raise NotFound(f"No view has the id {view_id[:60]}.")
        return _row(found)


def _row(one: tables.FleetView) -> ViewRow:
    shared = one.owner == EVERYBODY
    return ViewRow(str(one.id), one.name, one.query, shared, one.created_by, one.created_at, one.updated_at)
