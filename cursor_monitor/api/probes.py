"""Probes for orchestrators: is the process alive, can it serve."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from cursor_monitor.api.errors import RETRY_AFTER_SECONDS, problem
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.queries.readiness import check_ready, check_worker


async def livez(request: Request) -> JSONResponse:
    """200 for as long as the event loop turns."""
    return JSONResponse({"status": "alive"})


def readyz(request: Request) -> JSONResponse:
    """200 while the database answers and has our schema, with `?worker` also a worker; else 503 with the reason."""
    try:
        check_ready()
        if "worker" in request.query_params:
            check_worker()
    except Unavailable as error:
        return problem(503, error.code, error.message, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return JSONResponse({"status": "ready"})
