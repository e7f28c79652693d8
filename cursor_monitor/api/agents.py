"""The fleet: launch, list, look at, send a follow-up, stop."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import FollowupBody, LaunchAgentBody, TagBody, Text
from cursor_monitor.api.deps import (
    AgentId,
    IdempotencyKey,
    Limit,
    errors,
    require_json,
    writing_errors,
)
from cursor_monitor.api.fleet_query import FleetCursor, FleetQuery, GroupBy, Sort
from cursor_monitor.domain.fleet import parse_order
from cursor_monitor.queries import agents as queries
from cursor_monitor.queries import fleet
from cursor_monitor.queries.page import Page
from cursor_monitor.services import agents as services
from cursor_monitor.services import upkeep
from cursor_monitor.services.caller import caller_name, personal

router = APIRouter(prefix="/agents", tags=["agents"])


@router.post(
    "",
    status_code=202,
    response_model=schemas.Agent,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def launch(body: LaunchAgentBody, response: Response, idempotency_key: IdempotencyKey = None) -> Any:
    """Record a new agent; a worker launches it at Cursor. `status` is that of the acceptance."""
    made = services.launch(body.given(), by=caller_name(), idempotency_key=idempotency_key)
    response.headers["Location"] = f"{routes.API}/agents/{made}"
    return _agent(made).model_copy(update={"status": "queued"})


@router.get("", response_model=schemas.Listing[schemas.AgentLine], responses=errors())
def list_agents(
    wanted: FleetQuery, sort: Sort = None, cursor: FleetCursor = None, limit: Limit = 50
) -> Page[queries.AgentRow]:
    """The newest first, unless `sort` says otherwise."""
    return fleet.list_agents(wanted, parse_order(sort), cursor=cursor, limit=limit)


@router.get("/groups", response_model=schemas.Listing[schemas.Group], responses=errors())
def list_groups(by: GroupBy, wanted: FleetQuery) -> Page[fleet.GroupRow]:
    """How many agents there are of each repository, status, tag or origin, the most first, at most 200."""
    return Page(fleet.list_groups(by, wanted))


@router.get("/{agent_id}", response_model=schemas.Agent, responses=errors(404))
def get_agent(agent_id: AgentId) -> schemas.Agent:
    """One agent, whole."""
    return _agent(agent_id)


@router.post(
    "/{agent_id}/followup",
    status_code=202,
    response_model=schemas.AcceptedFollowup,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def followup(agent_id: AgentId, body: FollowupBody, idempotency_key: IdempotencyKey = None) -> schemas.AcceptedFollowup:
    """Send a further prompt to an agent."""
    extras = {name: value for name, value in body.given().items() if name != "prompt"}
    made = services.followup(agent_id, body.prompt, by=caller_name(), extras=extras, idempotency_key=idempotency_key)
    return schemas.AcceptedFollowup(id=made, agent_id=agent_id, status="queued")


@router.post("/{agent_id}/stop", status_code=202, response_model=schemas.Agent, responses=writing_errors(404, 409))
def stop(agent_id: AgentId) -> schemas.Agent:
    """Cancel what the agent is doing."""
    services.stop(agent_id, by=caller_name())
    return _agent(agent_id)


@router.post("/{agent_id}/archive", status_code=202, response_model=schemas.Agent, responses=writing_errors(404, 409))
def archive(agent_id: AgentId) -> schemas.Agent:
    """Archive an agent at Cursor; it takes no follow-ups then."""
    services.change(agent_id, "archive", by=caller_name())
    return _agent(agent_id)


@router.post("/{agent_id}/unarchive", status_code=202, response_model=schemas.Agent, responses=writing_errors(404, 409))
def unarchive(agent_id: AgentId) -> schemas.Agent:
    """Let an archived agent take follow-ups again."""
    services.change(agent_id, "unarchive", by=caller_name())
    return _agent(agent_id)


@router.delete("/{agent_id}", status_code=202, response_model=schemas.Agent, responses=writing_errors(404, 409))
def delete(agent_id: AgentId) -> schemas.Agent:
    """Delete an agent at Cursor for good; what is known of it stays here."""
    services.change(agent_id, "delete", by=caller_name())
    return _agent(agent_id)


@router.post(
    "/{agent_id}/tags",
    response_model=schemas.Agent,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def tag(agent_id: AgentId, body: TagBody) -> schemas.Agent:
    """Put a tag on an agent."""
    services.tag(agent_id, body.tag, by=caller_name())
    return _agent(agent_id)


@router.delete("/{agent_id}/tags/{tag}", response_model=schemas.Agent, responses=writing_errors(404))
def untag(agent_id: AgentId, tag: Annotated[Text, Path(description="One of its tags.")]) -> schemas.Agent:
    """Take a tag off an agent."""
    services.untag(agent_id, tag, by=caller_name())
    return _agent(agent_id)


@router.put("/{agent_id}/pin", response_model=schemas.Agent, responses=writing_errors(404))
def pin(agent_id: AgentId) -> schemas.Agent:
    """Pin an agent, for whoever asks."""
    services.pin(agent_id, True, by=caller_name())
    return _agent(agent_id)


@router.delete("/{agent_id}/pin", response_model=schemas.Agent, responses=writing_errors(404))
def unpin(agent_id: AgentId) -> schemas.Agent:
    """Let a pinned agent go."""
    services.pin(agent_id, False, by=caller_name())
    return _agent(agent_id)


@router.get("/{agent_id}/usage", response_model=schemas.Usage, responses=errors(404))
def get_usage(agent_id: AgentId) -> Any:
    """Tokens and cost as last read, which a worker then reads anew."""
    upkeep.want_facts(agent_id)
    return queries.get_usage(agent_id)


@router.get("/{agent_id}/artifacts", response_model=schemas.Artifacts, responses=errors(404))
def get_artifacts(agent_id: AgentId) -> Any:
    """The files an agent left behind as last read, which a worker then reads anew."""
    upkeep.want_facts(agent_id)
    return queries.get_artifacts(agent_id)


def _agent(agent_id: str) -> schemas.Agent:
    rest = asdict(queries.get_agent(agent_id, personal()))
    return schemas.Agent.model_validate({**rest.pop("agent"), **rest.pop("truth"), **rest})
