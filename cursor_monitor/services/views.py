"""What a person does to the saved views of the fleet: save, change, delete. They are a person's own, or everybody's."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.access import Role
from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.fleet import EVERYBODY
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.views import VIEWS_LIMIT, check_name, check_query
from cursor_monitor.services.caller import current_caller, personal, require
from cursor_monitor.store import tables, views
from cursor_monitor.store.database import transactional


@transactional
def create(session: Session, name: str, query: str) -> str:
    """Keep an address of the list under a name; returns its id. Raises Invalid, Conflict for one too many."""
    called, kept, owner = check_name(name), check_query(query), _writable(personal())
    if views.count(session, owner) >= VIEWS_LIMIT:
        raise Conflict(f"There are {VIEWS_LIMIT} views, which is the most; delete one first.")
    view_id, by = mint_uuid7(), current_caller().name
    if not views.insert_view(session, id=view_id, owner=owner, name=called, query=kept, created_by=by):
        raise _taken(called)
    return str(view_id)


@transactional
def replace(session: Session, view_id: str, name: str, query: str) -> None:
    """Give a view another name or address; raises Invalid or NotFound."""
    called, kept = check_name(name), check_query(query)
    found = _own(session, view_id)
    if views.is_taken(session, found.owner, called, but=found.id):
        raise _taken(called)
    views.update(session, found.id, name=called, query=kept)


@transactional
def delete(session: Session, view_id: str) -> None:
    """Forget a view; raises NotFound."""
    views.delete_view(session, _own(session, view_id).id)


def _own(session: Session, view_id: str) -> tables.FleetView:
    """One's own view, or one of everybody's; another person's is not there."""
    try:
        found = views.find(session, UUID(view_id))
    except ValueError:
        found = None
    if found is None or found.owner not in (personal(), EVERYBODY):
        raise NotFound(f"No view has the id {view_id[:60]}.")
    _writable(found.owner)
    return found


def _writable(owner: str) -> str:
    if owner == EVERYBODY:
        require(Role.OPERATOR)
    return owner


def _taken(name: str) -> Invalid:
    return Invalid("name", f"{name!r} is taken; choose another, or replace that view")
