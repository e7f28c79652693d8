"""Reading requests and writing answers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cursor_monitor.simulator.errors import ApiError, error_body, invalid
from cursor_monitor.simulator.simulator import Simulator

CODE_KEY = "cursor_monitor.simulator.code"


def sim_of(request: Request) -> Simulator:
    """The simulator that serves a request."""
    return request.app.state.simulator


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; ASCII only, so that any text a client sent can be sent back."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(body, status, dict(headers or {}), media_type="application/json")


def refuse(request: Request, error: ApiError) -> Response:
    """The answer to a refused request, in the envelope of the API it spoke to."""
    request.scope[CODE_KEY] = error.code
    return reply(error_body(request.scope["path"], error.code, error.message), error.status, error.headers)


async def read_json(request: Request) -> Any:
    """The body as JSON; 400 missing_body or validation_error."""
    raw = await request.body()
    if not raw.strip():
        raise ApiError(400, "missing_body", "Request body is required")
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise invalid("Request body is not valid JSON") from None


def check_query(request: Request, known: Collection[str]) -> None:
    """Refuse query keys the route does not know, as the real service does."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        raise invalid(f"Unrecognized key(s) in object: {', '.join(map(repr, unknown))}")


def read_limit(request: Request) -> int:
    """`limit` from 1 to 100, 20 where absent."""
    value = request.query_params.get("limit", "20")
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and 1 <= int(value) <= 100):
        raise invalid("limit: Expected an integer from 1 to 100")
    return int(value)


def read_cursor(request: Request, kind: str) -> int | None:
    """The position in an opaque cursor of ours."""
    value = request.query_params.get("cursor")
    if value is None:
        return None
    prefix, _, number = value.partition("_")
    try:
        position = int(number, 16)
    except ValueError:
        position = -1
    if prefix != kind or position < 0 or make_cursor(kind, position) != value:
        raise invalid("cursor: Invalid cursor")
    return position


def make_cursor(kind: str, position: int) -> str:
    """An opaque cursor for a position."""
    return f"{kind}_{position:08x}"


def _no_constant(name: str) -> float:
    raise ValueError(name)
