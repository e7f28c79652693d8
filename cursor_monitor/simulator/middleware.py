"""What surrounds every request: the counts, and the faults that strike a request as a whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cursor_monitor.simulator.errors import error_body
from cursor_monitor.simulator.faults import REQUEST_EFFECTS, Rule
from cursor_monitor.simulator.sever import sever
from cursor_monitor.simulator.simulator import Simulator
from cursor_monitor.simulator.wire import CODE_KEY

_SUDDEN = frozenset(REQUEST_EFFECTS) - {"delay"}
_REFUSALS = {
    "rate_limit": (429, "rate_limit_exceeded", "Rate limit exceeded"),
    "usage_limit": (
        400,
        "usage_limit_exceeded",
        "Usage-based pricing required. Background Agent requires at least $2 remaining until your hard limit.",
    ),
    "feature_unavailable": (403, "feature_unavailable", "This feature is not available for your account"),
    "status": (500, "internal_error", "Internal server error"),
}
_HTML = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"


class Surroundings:
    """Counts requests and refusals, saves the counts after changes, and applies request faults."""

    def __init__(self, app: ASGIApp, simulator: Simulator) -> None:
        self._app = app
        self._sim = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of the application."""
        if scope["type"] != "http" or scope["path"].startswith("/_sim"):
            await self._app(scope, receive, send)
            return
        self._sim.counters.request(scope["method"], scope["path"])
        await self._with_faults(scope, receive, self._counting(scope, send))

    def _counting(self, scope: Scope, send: Send) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self._sim.counters.refusal(message["status"], scope.get(CODE_KEY, "unnamed"))
            # Reads are many and their counts worth little; those of changes must outlive a SIGKILL.
            if message["type"] == "http.response.start" and scope["method"] not in ("GET", "HEAD"):
                self._sim.save_counts()
            await send(message)

        return counted

    async def _with_faults(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        slow = self._sim.faults.take({"delay"}, method, path)
        if slow:
            await asyncio.sleep(slow.settings.get("seconds", 45))
        if await self._is_over_limit(scope, send):
            return
        rule = self._sim.faults.take(_SUDDEN, method, path)
        if rule is None:
            await self._app(scope, receive, send)
        elif rule.effect == "truncated":
            await self._truncated(scope, receive, send)
        else:
            if rule.settings.get("when") == "after":
                await self._app(scope, receive, _nowhere)
            await self._strike(rule, scope, send)

    async def _is_over_limit(self, scope: Scope, send: Send) -> bool:
        rule = self._sim.faults.take({"request_limit"}, scope["method"], scope["path"])
        if rule is None:
            return False
        key = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        most, window = int(rule.settings.get("requests", 60)), round(rule.settings.get("seconds", 60) * 1000)
        headers = self._sim.requests_limit.refusal(key, most, window, self._sim.clock.now())
        if headers is None:
            return False
        _, code, message = _REFUSALS["rate_limit"]
        scope[CODE_KEY] = code
        body = json.dumps(error_body(scope["path"], code, message)).encode()
        await _answer(send, 429, body, {"content-type": "application/json"} | headers)
        return True

    async def _strike(self, rule: Rule, scope: Scope, send: Send) -> None:
        if rule.effect == "cut":
            self._sim.counters.refusal("cut", rule.settings.get("when", "before"))
            self._sim.save_counts()
            sever(scope)
        elif rule.effect == "html":
            scope[CODE_KEY] = "html"
            await _answer(send, rule.settings.get("status", 502), _HTML, {"content-type": "text/html"})
        elif rule.effect == "empty":
            scope[CODE_KEY] = "empty"
            await _answer(send, rule.settings.get("status", 502), b"", {})
        else:
            await self._refuse(rule, scope, send)

    async def _refuse(self, rule: Rule, scope: Scope, send: Send) -> None:
        status, code, message = _REFUSALS[rule.effect]
        settings = rule.settings
        code = scope[CODE_KEY] = settings.get("code", code)
        body = settings.get("body", error_body(scope["path"], code, settings.get("message", message)))
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | settings.get("headers", {})
        if rule.effect == "rate_limit":
            headers |= self._limit_headers(settings.get("retry_after", 1))
        await _answer(send, settings.get("status", status), raw, headers)

    def _limit_headers(self, retry_after: float | None) -> dict[str, str]:
        if retry_after is None:
            return {}
        reset = self._sim.clock.now() // 1000 + round(retry_after)
        return {
            "retry-after": f"{retry_after:g}",
            "x-ratelimit-limit": "20",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(reset),
        }

    async def _truncated(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def half(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            body = message.get("body", b"")
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            self._sim.counters.refusal("cut", "truncated")
            await asyncio.sleep(0.05)
            sever(scope)

        await self._app(scope, receive, half)


async def _nowhere(message: Message) -> None:
    """Takes an answer that its client will never see."""


async def _answer(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    fields = {**headers, "content-length": str(len(body))}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
