"""A span for each request of a program, below the one that it names; nothing of addresses, bodies or headers."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cursor_monitor.api.permissions import API
from cursor_monitor.api.traffic import method_of, part_of
from cursor_monitor.tracing import TRACEPARENT, is_tracing, span


class TraceRequests:
    """Tells of the requests to the API; pages tell of their own events."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_tracing() or not scope["path"].startswith(f"{API}/"):
            await self._app(scope, receive, send)
            return
        method, part = method_of(scope), part_of(scope["path"])
        facts = {"http.request.method": method, "http.route": part}
        with span(f"{method} {part}", "server", facts, parent=_parent(scope)) as told:

            async def telling(message: Message) -> None:
                if message["type"] == "http.response.start":
                    told.note({"http.response.status_code": message["status"]})
                await send(message)

            await self._app(scope, receive, telling)


def _parent(scope: Scope) -> str | None:
    wanted = TRACEPARENT.encode()
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)
