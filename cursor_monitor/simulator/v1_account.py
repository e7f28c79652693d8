"""The rest of v1: usage, artifacts, the key's owner, models, repositories and worker tokens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cursor_monitor.simulator.artifacts import artifacts_of, find_artifact, presign, signed
from cursor_monitor.simulator.auth import fingerprint, is_service_account, read_key
from cursor_monitor.simulator.catalog import MODELS, REPOSITORIES
from cursor_monitor.simulator.chance import hexdigits
from cursor_monitor.simulator.clock import timestamp
from cursor_monitor.simulator.errors import ApiError, invalid
from cursor_monitor.simulator.usage import usage_view
from cursor_monitor.simulator.validation import mapping, text, whole
from cursor_monitor.simulator.wire import check_query, read_json, reply, sim_of

KEY_CREATED_MS = 1_776_000_000_000
OWNER = {
    "userId": 42,
    "userEmail": "developer@example.com",
    "userFirstName": "Alex",
    "userLastName": "Rivera",
}
MEMBERS = {"alice@company.com": 42, "bob@company.com": 43}
TEAM_ID = 456
HOUR_MS = 3_600_000


async def usage(request: Request) -> Response:
    """GET /v1/agents/{id}/usage."""
    check_query(request, ("runId",))
    sim, agent_id = sim_of(request), request.path_params["id"]
    agent = sim.world.find(agent_id)
    run_id = request.query_params.get("runId")
    runs = agent.runs if run_id is None else [sim.world.find_run(agent_id, run_id)[1]]
    rule = sim.faults.take({"usage_delay"}, "GET", request.scope["path"])
    return reply(usage_view(sim.world, agent, runs, rule.settings.get("seconds", 60) if rule else None))


async def artifacts(request: Request) -> Response:
    """GET /v1/agents/{id}/artifacts."""
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    hidden = sim.faults.take({"artifacts_empty"}, "GET", request.scope["path"])
    found = [] if hidden else artifacts_of(sim.world, agent)
    items = [
        {"path": item.path, "sizeBytes": len(item.content), "updatedAt": timestamp(item.updated_ms)} for item in found
    ]
    return reply({"items": items})


async def download(request: Request) -> Response:
    """GET /v1/agents/{id}/artifacts/download."""
    check_query(request, ("path",))
    sim = sim_of(request)
    agent = sim.world.find(request.path_params["id"])
    path = request.query_params.get("path", "")
    if not path:
        raise invalid("path: Required")
    artifact = find_artifact(sim.world, agent, path)
    address, expires = presign(sim.world, agent, artifact.path)
    base = str(request.base_url).rstrip("/")
    return reply({"url": f"{base}{address}", "expiresAt": timestamp(expires)})


async def presigned(request: Request) -> Response:
    """GET of a presigned address: no key may come with it."""
    sim, params = sim_of(request), request.query_params
    agent_id, path = request.path_params["id"], request.path_params["path"]
    if "authorization" in request.headers:
        return _storage_error(400, "InvalidArgument", "Only one auth mechanism allowed")
    if not signed(sim.world, agent_id, path, params.get("X-Amz-Date", ""), params.get("X-Amz-Signature", "")):
        return _storage_error(403, "AccessDenied", "Request has expired or the signature does not match")
    artifact = find_artifact(sim.world, sim.world.find(agent_id), path)
    kind = "image/png" if path.endswith(".png") else "text/markdown"
    return Response(artifact.content, media_type=kind)


async def me(request: Request) -> Response:
    """GET /v1/me."""
    key = read_key(request.headers.get("authorization"))
    info = {"apiKeyName": f"Simulated key {fingerprint(key)[:4]}", "createdAt": timestamp(KEY_CREATED_MS)}
    return reply(info if is_service_account(key) else info | OWNER)


async def models(request: Request) -> Response:
    """GET /v1/models."""
    return reply({"items": MODELS})


async def repositories(request: Request) -> Response:
    """GET /v1/repositories."""
    headers = admit_repositories(request)
    return reply({"items": [{"url": url} for url in REPOSITORIES]}, headers=headers)


def admit_repositories(request: Request) -> dict[str, str]:
    """Apply the strict limit of the repositories list; returns its headers."""
    sim = sim_of(request)
    off = sim.faults.take({"no_repositories_limit"}, "GET", request.scope["path"])
    if off or not sim.config.repositories_limit:
        return {}
    key = fingerprint(read_key(request.headers.get("authorization")))
    return sim.limit.admit(key, sim.clock.now())


async def sub_token(request: Request) -> Response:
    """POST /v1/sub-tokens: for service accounts only."""
    sim = sim_of(request)
    body = mapping(await read_json(request), "body", ("forUserEmail", "forUserId"))
    if len(body) != 1:
        raise invalid("Provide exactly one of forUserEmail or forUserId")
    user = _member(body)
    if not is_service_account(read_key(request.headers.get("authorization"))):
        raise ApiError(403, "service_account_required", "A service account API key is required")
    if user is None:
        raise ApiError(404, "user_not_found", "No active team member matches")
    now = sim.clock.now()
    token = f"eyJ{hexdigits(40, sim.seed, 'token', user, now)}"
    return reply({"accessToken": token, "expiresAt": timestamp(now + HOUR_MS), "userId": user, "teamId": TEAM_ID})


def _member(body: dict[str, object]) -> int | None:
    if "forUserId" in body:
        user = whole(body["forUserId"], "forUserId", 1)
        return user if user in MEMBERS.values() else None
    email = text(body["forUserEmail"], "forUserEmail").lower()
    if "@" not in email:
        raise invalid("forUserEmail: Invalid email")
    return MEMBERS.get(email)


def _storage_error(status: int, code: str, message: str) -> Response:
    detail = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{detail}', status, media_type="application/xml")


ROUTES = [
    Route("/v1/agents/{id}/usage", usage, methods=["GET"]),
    Route("/v1/agents/{id}/artifacts", artifacts, methods=["GET"]),
    Route("/v1/agents/{id}/artifacts/download", download, methods=["GET"]),
    Route("/v1/me", me, methods=["GET"]),
    Route("/v1/models", models, methods=["GET"]),
    Route("/v1/repositories", repositories, methods=["GET"]),
    Route("/v1/sub-tokens", sub_token, methods=["POST"]),
    Route("/_s3/cloud-agent-artifacts/{id}/{path:path}", presigned, methods=["GET"]),
]
