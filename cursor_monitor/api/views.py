"""Saved views of the fleet: a name for filters, order, groups and columns."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import Body, Text
from cursor_monitor.api.deps import errors, require_json, writing_errors
from cursor_monitor.api.schemas_base import Answer, Time
from cursor_monitor.domain.views import NAME_LIMIT, PARTS, QUERY_LIMIT
from cursor_monitor.queries import views as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import views as services
from cursor_monitor.services.caller import personal

router = APIRouter(prefix="/views", tags=["agents"])
ViewId = Annotated[Text, Path(description="The id of a view.")]


class ViewBody(Body):
    """A view to keep."""

    name: Text = Field(description="How it is called.", json_schema_extra={"minLength": 1, "maxLength": NAME_LIMIT})
    query: Text = Field(
        description=f"What the address of the Agents page has after `?`; parts: {', '.join(PARTS)}.",
        json_schema_extra={"maxLength": QUERY_LIMIT},
    )


class View(Answer):
    """A name for an address of the Agents page; `shared` where it is everybody's."""

    id: str
    name: str
    query: str
    shared: bool
    created_by: str
    created_at: Time
    updated_at: Time


@router.get("", response_model=schemas.Listing[View], responses=errors())
def list_views() -> Page[queries.ViewRow]:
    """Your own views and everybody's, by name."""
    return Page(queries.list_views(personal()))


@router.post(
    "", status_code=201, response_model=View, responses=writing_errors(409, 415), dependencies=[Depends(require_json)]
)
def create(body: ViewBody, response: Response) -> queries.ViewRow:
    """Keep a view: your own, or everybody's where you did not sign in as a person."""
    made = services.create(body.name, body.query)
    response.headers["Location"] = f"{routes.API}/views/{made}"
    return queries.get_view(made, personal())


@router.put("/{view_id}", response_model=View, responses=writing_errors(404, 415), dependencies=[Depends(require_json)])
def replace(view_id: ViewId, body: ViewBody) -> queries.ViewRow:
    """Give a view another name or other filters."""
    services.replace(view_id, body.name, body.query)
    return queries.get_view(view_id, personal())


@router.delete("/{view_id}", status_code=204, responses=writing_errors(404))
def delete(view_id: ViewId) -> None:
    """Forget a view."""
    services.delete(view_id)
