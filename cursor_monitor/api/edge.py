"""The outermost layer of the web process: where the API is mounted, and what every request passes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from cursor_monitor.api import build_api
from cursor_monitor.api.errors import problem
from cursor_monitor.api.gate import Gate
from cursor_monitor.api.guards import BodyLimit, HostCheck, OriginCheck
from cursor_monitor.api.headers import SecurityHeaders
from cursor_monitor.api.metrics import metrics
from cursor_monitor.api.probes import livez, readyz
from cursor_monitor.api.sign_in import sign_in_routes
from cursor_monitor.api.tracing import TraceRequests
from cursor_monitor.api.traffic import CountTraffic
from cursor_monitor.settings import Settings, load_settings


def build_edge(settings: Settings | None = None) -> list[Starlette | Callable[[ASGIApp], ASGIApp]]:
    """What `rx.App(api_transformer=...)` takes: the shell that pages are mounted in, its wrappers, inmost first."""
    chosen = settings or load_settings()
    hosts = partial(HostCheck, host=chosen.host, public_url=chosen.public_url, is_closed=chosen.requires_sign_in)
    gate = partial(
        Gate,
        is_closed=chosen.requires_sign_in,
        public_url=chosen.public_url,
        proxy_hops=chosen.trusted_proxy_hops,
    )
    return [_shell(chosen), BodyLimit, gate, OriginCheck, hosts, SecurityHeaders, TraceRequests, CountTraffic]


def _shell(settings: Settings) -> Starlette:
    # FastAPI itself would let unknown addresses under /api fall through to the pages and answer HTML.
    routes = [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        *sign_in_routes(settings),
        Route("/api", _nothing_here, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        _mount_api(),
    ]
    return Starlette(routes=routes)


def _mount_api() -> Mount:
    mount = Mount("/api", app=build_api())
    # A line break in an address, %0A, would else miss the mount and reach the pages.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


async def _nothing_here(request: Request) -> JSONResponse:
    return problem(404, "not_found", "There is nothing at this address; /api/docs lists what there is.")
