"""How many requests came and how long they took, by part of the addresses; nothing a visitor chose becomes a label."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cursor_monitor.api.permissions import API

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_PARTS = frozenset(
    {
        *("orchestrations", "agents", "jobs", "health", "search", "uploads", "webhook", "accounts", "profiles"),
        *("users", "sessions", "tokens", "password", "audit", "whoami", "notifications", "schedules", "templates"),
        *("models", "repositories", "branches", "me", "views"),
    }
)
_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class _Traffic(Collector):
    """The figures of this process, since it started."""

    def __init__(self) -> None:
        labels = ("method", "part")
        self.answers = Counter(
            "cursor_monitor_http_requests", "Answers by part and status.", (*labels, "status"), registry=None
        )
        self.seconds = Histogram(
            "cursor_monitor_http_request_seconds", "Until an answer began.", labels, buckets=_SECONDS, registry=None
        )
        self.sockets = Gauge("cursor_monitor_open_pages", "Open websockets of pages.", registry=None)

    def collect(self) -> Iterator[Metric]:
        for metric in (self.answers, self.seconds, self.sockets):
            yield from metric.collect()


TRAFFIC = _Traffic()


class CountTraffic:
    """Counts what passes; the outermost wrapper, so that refusals count too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with TRAFFIC.sockets.track_inprogress():
                await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._count(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        labels = (method_of(scope), part_of(scope["path"]))

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                TRAFFIC.seconds.labels(*labels).observe(time.perf_counter() - began)
                TRAFFIC.answers.labels(*labels, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counting)


def method_of(scope: Scope) -> str:
    """The request's method, where it is one that there is."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def part_of(path: str) -> str:
    """One of few words for an address."""
    if path.startswith(f"{API}/"):
        name = path.removeprefix(f"{API}/").partition("/")[0]
        return f"api/{name}" if name in _PARTS else "api/other"
    if path.startswith("/assets/"):
        return "assets"
    return {"/livez": "probe", "/readyz": "probe", "/metrics": "metrics"}.get(path, "pages")
