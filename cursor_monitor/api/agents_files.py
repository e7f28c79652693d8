"""Agents as files, and the files that agents made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse, StreamingResponse

from cursor_monitor.api.bodies import Text
from cursor_monitor.api.deps import AgentId, errors
from cursor_monitor.api.fleet_query import FleetQuery, Sort
from cursor_monitor.domain.fleet import parse_order
from cursor_monitor.queries import export
from cursor_monitor.services import artifacts

router = APIRouter(prefix="/agents", tags=["agents"])


def _files(*kinds: str) -> dict[int | str, dict[str, Any]]:
    shapes = {kind: "object" if kind == "application/json" else "string" for kind in kinds}
    return {200: {"content": {kind: {"schema": {"type": shape}} for kind, shape in shapes.items()}}}


@router.get("/export", response_class=StreamingResponse, responses={**errors(), **_files("text/csv; charset=utf-8")})
def export_fleet(wanted: FleetQuery, sort: Sort = None) -> StreamingResponse:
    """The agents that fit, at most 100,000, as CSV; text that a spreadsheet would calculate is marked with `'`."""
    return _attached(export.fleet_as_csv(wanted, parse_order(sort)), "text/csv", "agents.csv")


@router.get(
    "/{agent_id}/export",
    response_class=StreamingResponse,
    responses={**errors(404), **_files("text/plain; charset=utf-8", "application/json")},
)
def export_agent(
    agent_id: AgentId, format: Annotated[Literal["text", "json"], Query(description="text or json.")] = "text"
) -> StreamingResponse:
    """All that is known of an agent, its conversation included, to be kept."""
    if format == "json":
        return _attached(export.agent_as_json(agent_id), "application/json", "agent.json")
    return _attached(export.agent_as_text(agent_id), "text/plain", "agent.txt")


@router.get(
    "/{agent_id}/artifacts/{path:path}/download",
    status_code=302,
    response_class=RedirectResponse,
    responses={**errors(404, 409), 302: {"description": "The file is at `Location` for some minutes."}},
)
async def download(
    agent_id: AgentId, path: Annotated[Text, Path(description="As GET artifacts lists it.")]
) -> RedirectResponse:
    """Go to where a file is; the address is Cursor's, good for minutes, and needs no key."""
    return RedirectResponse(await artifacts.address_of(agent_id, path), status_code=302)


def _attached(pieces: Iterator[str], kind: str, name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=kind, headers=headers)
