"""The part of the code host's API that the product reads: branches, pulls, files and checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cursor_monitor.simulator.codehost import (
    Head,
    check_runs,
    combined_status,
    files_of,
    heads_of,
    listed,
    main_commit,
    pull_of,
)
from cursor_monitor.simulator.errors import ApiError
from cursor_monitor.simulator.gitstate import MAIN_BRANCHES
from cursor_monitor.simulator.wire import refuse, reply, sim_of

Json = dict[str, Any]
_HOUR = 3600.0
_PER_HOUR = 5000


async def repository(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}."""
    name = _name(request)
    branch = MAIN_BRANCHES[0]
    return _answer(
        request,
        {
            "full_name": name,
            "name": name.split("/")[1],
            "owner": {"login": name.split("/")[0]},
            "private": True,
            "default_branch": branch,
            "html_url": f"https://github.com/{name}",
        },
    )


async def branches(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/branches."""
    heads = [(branch, main_commit(sim_of(request).world, _name(request))) for branch in MAIN_BRANCHES[:1]]
    heads += [(head.branch, head.sha) for head in _heads(request)]
    return _page(request, [_branch(name, sha) for name, sha in heads])


async def branch(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/branches/{branch}."""
    name = request.path_params["branch"]
    if name in MAIN_BRANCHES:
        return _answer(request, _branch(name, main_commit(sim_of(request).world, _name(request))))
    head = _head(request, name)
    return _answer(request, _branch(head.branch, head.sha))


async def pulls(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/pulls, filtered by `state` and `head`."""
    state, wanted = request.query_params.get("state", "open"), request.query_params.get("head", "")
    found = [pull_of(sim_of(request).world, head) for head in _heads(request) if head.pull_number]
    fitting = [
        pull
        for pull in reversed(found)
        if state in ("all", pull["state"]) and wanted.rpartition(":")[2] in ("", pull["head"]["ref"])
    ]
    return _page(request, [listed(pull) for pull in fitting])


async def pull(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/pulls/{number}."""
    return _answer(request, pull_of(sim_of(request).world, _pull_head(request)))


async def pull_files(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/pulls/{number}/files."""
    return _page(request, files_of(sim_of(request).world, _pull_head(request)))


async def checks(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/commits/{ref}/check-runs."""
    ref = request.path_params["ref"]
    if ref in (*MAIN_BRANCHES, main_commit(sim_of(request).world, _name(request))):
        return _answer(request, {"total_count": 0, "check_runs": []})
    runs = check_runs(sim_of(request).world, _head(request, ref))
    shown, links = _slice(request, runs)
    return _answer(request, {"total_count": len(runs), "check_runs": shown}, links)


async def status(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/commits/{ref}/status; `pending` where there are no statuses at all."""
    ref = request.path_params["ref"]
    main = main_commit(sim_of(request).world, _name(request))
    if ref in (*MAIN_BRANCHES, main):
        return _answer(request, {"state": "pending", "sha": main, "total_count": 0, "statuses": []})
    found = combined_status(sim_of(request).world, _head(request, ref))
    shown, links = _slice(request, found["statuses"])
    return _answer(request, found | {"statuses": shown}, links)


async def compare(request: Request) -> Response:
    """GET /github/repos/{owner}/{repo}/compare/{base}...{head}."""
    base, dots, name = request.path_params["spec"].partition("...")
    if not dots or not base:
        raise ApiError(404, "not_found", "Not Found")
    head = _head(request, name)
    files = files_of(sim_of(request).world, head)
    ahead = {"status": "ahead", "ahead_by": len(head.agent.runs), "behind_by": 0}
    return _answer(request, ahead | {"total_commits": len(head.agent.runs), "files": files})


async def rate_limit(request: Request) -> Response:
    """GET /github/rate_limit, which costs nothing."""
    headers = _limit(request, cost=0)
    words = ("limit", "remaining", "used", "reset")
    core = {word: int(headers[f"X-RateLimit-{word.capitalize()}"]) for word in words}
    return reply({"resources": {"core": core}, "rate": core}, headers=headers)


def _name(request: Request) -> str:
    name = f"{request.path_params['owner']}/{request.path_params['repo']}"
    if any(part.startswith("missing") for part in name.split("/")):
        raise ApiError(404, "not_found", "Not Found")
    return name


def _heads(request: Request) -> list[Head]:
    return heads_of(sim_of(request).world, f"github.com/{_name(request)}".lower())


def _head(request: Request, ref: str) -> Head:
    for head in reversed(_heads(request)):
        if ref in (head.branch, head.sha):
            return head
    raise ApiError(404, "not_found", "Branch not found")


def _pull_head(request: Request) -> Head:
    number = request.path_params["number"]
    for head in reversed(_heads(request)):
        if head.pull_number == number:
            return head
    raise ApiError(404, "not_found", "Not Found")


def _branch(name: str, sha: str) -> Json:
    return {"name": name, "commit": {"sha": sha}, "protected": name in MAIN_BRANCHES}


def _page(request: Request, items: list[Json]) -> Response:
    return _answer(request, *_slice(request, items))


def _slice(request: Request, items: list[Json]) -> tuple[list[Json], dict[str, str]]:
    size, page = _number(request, "per_page", 30, 100), _number(request, "page", 1, 1_000_000)
    links = {}
    if len(items) > page * size:
        address = request.url.include_query_params(per_page=size, page=page + 1)
        links["Link"] = f'<{address}>; rel="next"'
    return items[(page - 1) * size : page * size], links


def _number(request: Request, name: str, default: int, most: int) -> int:
    value = request.query_params.get(name, "")
    return min(most, max(1, int(value))) if value.isascii() and value.isdigit() and len(value) < 10 else default


def _answer(request: Request, content: object, headers: Mapping[str, str] | None = None) -> Response:
    tag = f'"{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]}"'
    is_known = request.headers.get("if-none-match", "").removeprefix("W/") == tag
    fields = {**(headers or {}), "ETag": f"W/{tag}", "Cache-Control": "private, max-age=60"}
    if is_known:
        sim_of(request).counters.unchanged(request.url.path)
        return Response(status_code=304, headers=fields | _limit(request, cost=0))
    return reply(content, headers=fields | _limit(request, cost=1))


def _limit(request: Request, *, cost: int) -> dict[str, str]:
    """Count one request of the token and give the headers; 403 where the hour's budget is spent."""
    sim = sim_of(request)
    rule = sim.faults.take({"code_host_limit"}, request.method, request.url.path)
    settings = rule.settings if rule else {}
    most, seconds = int(settings.get("requests", _PER_HOUR)), float(settings.get("seconds", _HOUR))
    used, reset = sim.code_host_limit.count(_token(request), cost, most, round(seconds * 1000), sim.clock.now())
    headers = {
        "X-RateLimit-Limit": str(most),
        "X-RateLimit-Remaining": str(max(most - used, 0)),
        "X-RateLimit-Used": str(min(used, most)),
        "X-RateLimit-Reset": str(-(-reset // 1000)),
        "X-RateLimit-Resource": "core",
    }
    if used > most:
        raise ApiError(403, "rate_limited", "API rate limit exceeded for user ID 1.", headers)
    return headers


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[2].strip()


def _guarded(handler: Any) -> Any:
    async def checked(request: Request) -> Response:
        token = _token(request)
        if token.startswith("bad"):
            return refuse(request, ApiError(401, "bad_credentials", "Bad credentials"))
        if not token or token.startswith("stranger"):  # every repository here is private
            return refuse(request, ApiError(404, "not_found", "Not Found"))
        if token.startswith("nochecks") and handler is checks:
            message = "Resource not accessible by personal access token"
            return refuse(request, ApiError(403, "no_permission", message))
        return await handler(request)

    return checked


_REPO = "/github/repos/{owner}/{repo}"
ROUTES = [
    Route("/github/rate_limit", _guarded(rate_limit), methods=["GET"]),
    Route(_REPO, _guarded(repository), methods=["GET"]),
    Route(f"{_REPO}/branches", _guarded(branches), methods=["GET"]),
    Route(f"{_REPO}/branches/{{branch:path}}", _guarded(branch), methods=["GET"]),
    Route(f"{_REPO}/pulls", _guarded(pulls), methods=["GET"]),
    Route(f"{_REPO}/pulls/{{number:int}}", _guarded(pull), methods=["GET"]),
    Route(f"{_REPO}/pulls/{{number:int}}/files", _guarded(pull_files), methods=["GET"]),
    Route(f"{_REPO}/commits/{{ref:path}}/check-runs", _guarded(checks), methods=["GET"]),
    Route(f"{_REPO}/commits/{{ref:path}}/status", _guarded(status), methods=["GET"]),
    Route(f"{_REPO}/compare/{{spec:path}}", _guarded(compare), methods=["GET"]),
]
