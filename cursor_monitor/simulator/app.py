"""The ASGI application: routes, keys and refusals around one Simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cursor_monitor.simulator import control, github, stream, v0, v1, v1_account
from cursor_monitor.simulator.auth import CALLER, account_of, check_rights, check_trouble, fingerprint, read_key
from cursor_monitor.simulator.clock import Clock
from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.errors import ApiError
from cursor_monitor.simulator.middleware import Surroundings
from cursor_monitor.simulator.simulator import Simulator
from cursor_monitor.simulator.wire import refuse

Handler = Callable[[Request], Awaitable[Response]]
_CODES = {404: "not_found", 405: "method_not_allowed"}


def build_app(config: SimConfig | None = None, clock: Clock | None = None) -> ASGIApp:
    """The simulator as an ASGI application; `clock` replaces the machine's."""
    return serve(Simulator(config or SimConfig(), clock))


def serve(simulator: Simulator) -> ASGIApp:
    """The application around a simulator that the caller keeps."""
    keyed = [_with_key(route, simulator) for route in (*v1.ROUTES, *v1_account.ROUTES, *stream.ROUTES, *v0.ROUTES)]
    app = Starlette(
        routes=[Route("/", _front, methods=["GET"]), *control.ROUTES, *github.ROUTES, *keyed],
        exception_handlers={ApiError: _refused, HTTPException: _unrouted},
    )
    app.state.simulator = simulator
    return Surroundings(app, simulator)


def _with_key(route: Route, simulator: Simulator) -> Route:
    if route.path.startswith("/_s3"):
        return route
    inner: Handler = route.endpoint

    async def checked(request: Request) -> Response:
        key = read_key(request.headers.get("authorization"))
        check_trouble(simulator.keys.get(fingerprint(key)), request.method, route.path)
        check_rights(key, request.method, route.path)
        CALLER.set(account_of(key))  # for the rest of this request, which is a task of its own
        return await inner(request)

    return Route(route.path, checked, methods=list(route.methods or ()))


async def _front(request: Request) -> Response:
    return PlainTextResponse("Simulator of the Cursor Cloud Agents API. Nothing here is real; see /_sim/ledger.\n")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101
    return refuse(request, error)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = _CODES.get(error.status_code, "http_error")
    return refuse(request, ApiError(error.status_code, code, error.detail, error.headers))
