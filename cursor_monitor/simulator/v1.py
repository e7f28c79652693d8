"""The agents and runs of v1."""

from __future__ import annotations

from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cursor_monitor.simulator.access import check_access
from cursor_monitor.simulator.agents import CANCEL_SECONDS
from cursor_monitor.simulator.bodies import parse_create, parse_run
from cursor_monitor.simulator.errors import invalid
from cursor_monitor.simulator.gitstate import branches_of
from cursor_monitor.simulator.inject import altered
from cursor_monitor.simulator.model import Agent
from cursor_monitor.simulator.validation import web_url
from cursor_monitor.simulator.views import agent_view, run_item_view, run_view, summary_view
from cursor_monitor.simulator.wire import (
    check_query,
    make_cursor,
    read_cursor,
    read_json,
    read_limit,
    reply,
    sim_of,
)

Json = dict[str, Any]


async def create_agent(request: Request) -> Response:
    """POST /v1/agents."""
    sim = sim_of(request)
    wanted = parse_create(await read_json(request), sim.config.max_repos)
    check_access(sim.world, wanted.spec)
    if sim.faults.take({"env_vars_ignored"}, "POST", request.scope["path"]):
        wanted.spec.pop("envVars", None)
    agent = sim.world.create(wanted.spec, wanted.prompt, wanted.mode, wanted.agent_id, wanted.images)
    run = run_view(sim.world, agent, agent.runs[0], None)
    return reply(altered(request, {"agent": agent_view(agent, sim.clock.now()), "run": run}), 201)


async def list_agents(request: Request) -> Response:
    """GET /v1/agents."""
    check_query(request, ("limit", "cursor", "prUrl", "includeArchived"))
    sim, limit = sim_of(request), read_limit(request)
    chosen = _filter(request)
    found = islice(filter(chosen, sim.world.newest_first(read_cursor(request, "bcp"))), limit + 1)
    page = list(found)
    body: Json = {"items": [summary_view(agent, sim.clock.now()) for agent in page[:limit]]}
    if len(page) > limit:
        body["nextCursor"] = make_cursor("bcp", page[limit - 1].ordinal)
    return reply(altered(request, body))


async def get_agent(request: Request) -> Response:
    """GET /v1/agents/{id}."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    return reply(altered(request, agent_view(agent, sim.clock.now())))


async def delete_agent(request: Request) -> Response:
    """DELETE /v1/agents/{id}."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    sim.world.delete(agent)
    return reply({"id": agent.id})


async def archive_agent(request: Request) -> Response:
    """POST /v1/agents/{id}/archive and /unarchive."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    sim.world.archive(agent, not request.scope["path"].endswith("/unarchive"))
    return reply({"id": agent.id})


async def create_run(request: Request) -> Response:
    """POST /v1/agents/{id}/runs."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    wanted = parse_run(await read_json(request))
    run = sim.world.follow_up(agent, wanted.prompt, wanted.mode, wanted.images)
    return reply(altered(request, {"run": run_view(sim.world, agent, run, None)}), 201)


async def list_runs(request: Request) -> Response:
    """GET /v1/agents/{id}/runs."""
    check_query(request, ("limit", "cursor"))
    sim, limit = sim_of(request), read_limit(request)
    agent = sim.world.find(request.path_params["id"])
    before = read_cursor(request, "run")
    older = [run for run in reversed(agent.runs) if before is None or run.number < before]
    body: Json = {"items": [run_item_view(sim.world, agent, run) for run in older[:limit]]}
    if len(older) > limit:
        body["nextCursor"] = make_cursor("run", older[limit - 1].number)
    return reply(altered(request, body))


async def get_run(request: Request) -> Response:
    """GET /v1/agents/{id}/runs/{runId}."""
    sim = sim_of(request)
    agent, run = sim.world.find_run(request.path_params["id"], request.path_params["run_id"])
    return reply(altered(request, run_view(sim.world, agent, run, sim.narrator.final_text(agent, run))))


async def cancel_run(request: Request) -> Response:
    """POST /v1/agents/{id}/runs/{runId}/cancel."""
    sim, path = sim_of(request), request.scope["path"]
    agent, run = sim.world.find_run(request.path_params["id"], request.path_params["run_id"])
    rule = sim.faults.take({"cancel_delay", "cancel_loses"}, "POST", path)
    seconds = rule.settings.get("seconds", CANCEL_SECONDS) if rule else CANCEL_SECONDS
    sim.world.cancel(agent, run, seconds, loses=rule is not None and rule.effect == "cancel_loses")
    return reply({"id": run.id})


def _filter(request: Request) -> Any:
    sim, now = sim_of(request), sim_of(request).clock.now()
    archived = request.query_params.get("includeArchived", "true")
    if archived not in ("true", "false"):
        raise invalid("includeArchived: Expected true or false")
    pull = request.query_params.get("prUrl")
    if pull is not None:
        web_url(pull, "prUrl")
    lag = sim.faults.take({"list_lag"}, "GET", request.scope["path"])
    newest = now - lag.settings.get("seconds", 5) * 1000 if lag else None

    def chosen(agent: Agent) -> bool:
        if archived == "false" and agent.status(now) == "ARCHIVED":
            return False
        if newest is not None and agent.created_ms > newest:
            return False
        return pull is None or any(entry.get("prUrl") == pull for entry in branches_of(sim.world, agent, now))

    return chosen


ROUTES = [
    Route("/v1/agents", create_agent, methods=["POST"]),
    Route("/v1/agents", list_agents, methods=["GET"]),
    Route("/v1/agents/{id}", get_agent, methods=["GET"]),
    Route("/v1/agents/{id}", delete_agent, methods=["DELETE"]),
    Route("/v1/agents/{id}/archive", archive_agent, methods=["POST"]),
    Route("/v1/agents/{id}/unarchive", archive_agent, methods=["POST"]),
    Route("/v1/agents/{id}/runs", create_run, methods=["POST"]),
    Route("/v1/agents/{id}/runs", list_runs, methods=["GET"]),
    Route("/v1/agents/{id}/runs/{run_id}", get_run, methods=["GET"]),
    Route("/v1/agents/{id}/runs/{run_id}/cancel", cancel_run, methods=["POST"]),
]
