"""The simulator's own routes under /_sim: ledger, faults, reset, health."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cursor_monitor.simulator.auth import TROUBLES, fingerprint
from cursor_monitor.simulator.errors import invalid
from cursor_monitor.simulator.ledger import ledger_view
from cursor_monitor.simulator.repos import repo_key
from cursor_monitor.simulator.validation import choice, mapping, text
from cursor_monitor.simulator.wire import read_json, reply, sim_of


async def ledger(request: Request) -> Response:
    """GET /_sim/ledger; `?full=true` adds what the tests of one feature need to see."""
    sim = sim_of(request)
    full = request.query_params.get("full") == "true"
    return reply(ledger_view(sim.world, sim.counters, full=full))


async def faults(request: Request) -> Response:
    """GET shows the rules, POST adds one or a list, DELETE ends them all."""
    sim = sim_of(request)
    if request.method == "POST":
        body = await read_json(request)
        sim.faults.add(body["rules"] if isinstance(body, dict) and set(body) == {"rules"} else body)
    elif request.method == "DELETE":
        sim.faults.clear()
    return reply({"rules": sim.faults.views()})


async def keys(request: Request) -> Response:
    """PUT brings the key in `key` into `trouble`: revoked, no_plan, no_money, or null for none."""
    sim = sim_of(request)
    body = mapping(await read_json(request), "body", ("key", "trouble"))
    mark = fingerprint(text(body.get("key"), "key"))
    if body.get("trouble") is None:
        sim.keys.pop(mark, None)
    else:
        sim.keys[mark] = choice(body["trouble"], "trouble", TROUBLES)
    return reply({"key": mark, "trouble": sim.keys.get(mark)})


async def repositories(request: Request) -> Response:
    """PUT hides the repository in `repository` from everybody, as one that was renamed or made private, or shows it."""
    sim = sim_of(request)
    body = mapping(await read_json(request), "body", ("repository", "hidden"))
    key = repo_key(text(body.get("repository"), "repository"))
    if body.get("hidden"):
        sim.world.hidden.add(key)
    else:
        sim.world.hidden.discard(key)
    return reply({"repository": key, "hidden": key in sim.world.hidden})


async def reset(request: Request) -> Response:
    """POST /_sim/reset forgets everything; `{"seed": "..."}` also begins with another seed."""
    sim = sim_of(request)
    body = await read_json(request) if (await request.body()).strip() else {}
    seed = body.get("seed") if isinstance(body, dict) else None
    if seed is not None and not isinstance(seed, str):
        raise invalid("seed: Expected string")
    sim.reset(seed)
    return reply({"seed": sim.seed})


async def health(request: Request) -> Response:
    """GET /_sim/health says that it serves, and with what."""
    sim = sim_of(request)
    return reply({"status": "ok", "time_scale": sim.config.time_scale, "agents": len(sim.world.everything())})


ROUTES = [
    Route("/_sim/ledger", ledger, methods=["GET"]),
    Route("/_sim/faults", faults, methods=["GET", "POST", "DELETE"]),
    Route("/_sim/keys", keys, methods=["PUT"]),
    Route("/_sim/repositories", repositories, methods=["PUT"]),
    Route("/_sim/reset", reset, methods=["POST"]),
    Route("/_sim/health", health, methods=["GET"]),
]
