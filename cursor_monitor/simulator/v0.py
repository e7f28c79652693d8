"""The legacy API over the same agents: flat errors, one status per agent, conversations and webhooks."""

from __future__ import annotations

from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cursor_monitor.simulator.access import check_access
from cursor_monitor.simulator.artifacts import artifacts_of, find_artifact, presign
from cursor_monitor.simulator.auth import fingerprint, read_key
from cursor_monitor.simulator.bodies_v0 import parse_followup, parse_launch
from cursor_monitor.simulator.catalog import MODELS, REPOSITORIES
from cursor_monitor.simulator.chance import uuid_of
from cursor_monitor.simulator.clock import timestamp
from cursor_monitor.simulator.errors import ApiError, invalid
from cursor_monitor.simulator.gitstate import branch_of, branches_of, pull_url
from cursor_monitor.simulator.inject import altered
from cursor_monitor.simulator.model import CANCELLED, FINISHED, Agent, Run
from cursor_monitor.simulator.reports import work_of
from cursor_monitor.simulator.repos import parse_repo
from cursor_monitor.simulator.simulator import Simulator
from cursor_monitor.simulator.v1_account import KEY_CREATED_MS, OWNER, admit_repositories
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
WORKSPACE = "/workspace/"
SIX_MONTHS_MS = 183 * 24 * 3_600_000


async def launch(request: Request) -> Response:
    """POST /v0/agents."""
    sim = sim_of(request)
    prompt, spec = parse_launch(await read_json(request))
    check_access(sim.world, spec)
    agent = sim.world.create(spec, prompt, "agent")
    return reply(altered(request, agent_view(sim, agent)), 201)


async def list_agents(request: Request) -> Response:
    """GET /v0/agents."""
    check_query(request, ("limit", "cursor", "prUrl"))
    sim, limit, pull = sim_of(request), read_limit(request), request.query_params.get("prUrl")
    fitting = (
        agent
        for agent in sim.world.newest_first(read_cursor(request, "bcp"))
        if agent.repos and (pull is None or pull_url(agent) == pull)
    )
    page = list(islice(fitting, limit + 1))
    body: Json = {"agents": [agent_view(sim, agent) for agent in page[:limit]]}
    if len(page) > limit:
        body["nextCursor"] = make_cursor("bcp", page[limit - 1].ordinal)
    return reply(altered(request, body))


async def get_agent(request: Request) -> Response:
    """GET /v0/agents/{id}."""
    sim = sim_of(request)
    return reply(altered(request, agent_view(sim, sim.world.find(request.path_params["id"]))))


async def delete_agent(request: Request) -> Response:
    """DELETE /v0/agents/{id}."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    sim.world.delete(agent)
    return reply({"id": agent.id})


async def conversation(request: Request) -> Response:
    """GET /v0/agents/{id}/conversation; it answers for agents created over v1 as well."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    return reply({"id": agent.id, "messages": [m for run in agent.runs for m in _messages(sim, agent, run)]})


async def followup(request: Request) -> Response:
    """POST /v0/agents/{id}/followup; it also restarts a stopped agent."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    sim.world.follow_up(agent, parse_followup(await read_json(request)), "agent")
    return reply({"id": agent.id})


async def stop(request: Request) -> Response:
    """POST /v0/agents/{id}/stop; only for a running agent."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    sim.world.cancel(agent, agent.runs[-1])
    return reply({"id": agent.id})


async def artifacts(request: Request) -> Response:
    """GET /v0/agents/{id}/artifacts, with absolute paths."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    if sim.clock.now() - agent.created_ms > SIX_MONTHS_MS:
        raise invalid("Artifacts are kept for 6 months")
    items = [
        {"absolutePath": WORKSPACE + item.path, "sizeBytes": len(item.content), "updatedAt": timestamp(item.updated_ms)}
        for item in artifacts_of(sim.world, agent)
    ]
    return reply({"artifacts": items})


async def download(request: Request) -> Response:
    """GET /v0/agents/{id}/artifacts/download."""
    sim, path = sim_of(request), request.query_params.get("path", "")
    agent = sim.world.find(request.path_params["id"])
    if not path.startswith(WORKSPACE):
        raise invalid("path must be an absolute artifact path")
    artifact = find_artifact(sim.world, agent, path.removeprefix(WORKSPACE))
    address, expires = presign(sim.world, agent, artifact.path)
    base = str(request.base_url).rstrip("/")
    return reply({"url": f"{base}{address}", "expiresAt": timestamp(expires)})


async def me(request: Request) -> Response:
    """GET /v0/me."""
    name = f"Simulated key {fingerprint(read_key(request.headers.get('authorization')))[:4]}"
    return reply({"apiKeyName": name, "createdAt": timestamp(KEY_CREATED_MS), "userEmail": OWNER["userEmail"]})


async def models(request: Request) -> Response:
    """GET /v0/models."""
    return reply({"models": [model["id"] for model in MODELS]})


async def repositories(request: Request) -> Response:
    """GET /v0/repositories, under the same limit as v1's."""
    headers = admit_repositories(request)
    parsed = [repo for url in REPOSITORIES if (repo := parse_repo(url))]
    items = [
        {"owner": repo.path.split("/")[0], "name": repo.path.split("/")[1], "repository": repo.url} for repo in parsed
    ]
    return reply({"repositories": items}, headers=headers)


def agent_view(sim: Simulator, agent: Agent) -> Json:
    """AgentV0."""
    if not agent.repos:
        raise ApiError(404, "agent_not_found", "Agent has no repository and is not visible here")
    now, run, repo = sim.clock.now(), agent.runs[-1], agent.repos[0]
    status = run.status(now)
    view: Json = {
        "id": agent.id,
        "name": agent.name,
        "status": "STOPPED" if status == CANCELLED else status,
        "source": _source(repo),
        "target": _target(sim, agent, now),
        "createdAt": timestamp(agent.created_ms),
    }
    return view | ({"summary": work_of(agent, run, sim.seed).done[0]} if status == FINISHED else {})


def _source(repo: Json) -> Json:
    names = {"url": "repository", "startingRef": "ref", "prUrl": "prUrl"}
    return {theirs: repo[ours] for ours, theirs in names.items() if ours in repo}


def _target(sim: Simulator, agent: Agent, now: int) -> Json:
    target: Json = {
        "branchName": branch_of(sim.world, agent),
        "url": f"https://cursor.com/agents?id={agent.id}",
        "autoCreatePr": agent.spec.get("autoCreatePR", False),
        "openAsCursorGithubApp": agent.spec.get("openAsCursorGithubApp", False),
        "skipReviewerRequest": agent.spec.get("skipReviewerRequest", False),
    }
    branches = branches_of(sim.world, agent, now)
    return target | ({"prUrl": branches[0]["prUrl"]} if branches and "prUrl" in branches[0] else {})


def _messages(sim: Simulator, agent: Agent, run: Run) -> list[Json]:
    now = sim.clock.now()
    said = [
        step.text
        for step in sim.narrator.steps(agent, run)
        if step.kind == "assistant" and run.created_ms + round(run.planned_ms * step.at) <= min(now, run.ends_ms or now)
    ]
    if run.status(now) == FINISHED:
        said.append(sim.narrator.final_text(agent, run))
    texts = [("user_message", run.prompt), *(("assistant_message", text) for text in said)]
    return [
        {"id": uuid_of(sim.seed, run.id, "message", number), "type": kind, "text": text}
        for number, (kind, text) in enumerate(texts)
    ]


ROUTES = [
    Route("/v0/agents", launch, methods=["POST"]),
    Route("/v0/agents", list_agents, methods=["GET"]),
    Route("/v0/agents/{id}", get_agent, methods=["GET"]),
    Route("/v0/agents/{id}", delete_agent, methods=["DELETE"]),
    Route("/v0/agents/{id}/conversation", conversation, methods=["GET"]),
    Route("/v0/agents/{id}/followup", followup, methods=["POST"]),
    Route("/v0/agents/{id}/stop", stop, methods=["POST"]),
    Route("/v0/agents/{id}/artifacts", artifacts, methods=["GET"]),
    Route("/v0/agents/{id}/artifacts/download", download, methods=["GET"]),
    Route("/v0/me", me, methods=["GET"]),
    Route("/v0/models", models, methods=["GET"]),
    Route("/v0/repositories", repositories, methods=["GET"]),
]
