"""What is turned away before any route sees it: foreign hosts, foreign pages, bodies that are too large."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cursor_monitor.api.errors import problem

WEBHOOK_PATH = "/api/cloud-agents/webhook"
MAX_BODY_BYTES = 1_000_000
# A client that is still sending when the answer comes loses it: the rest is read and dropped, up to this.
MAX_DROPPED_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """How large a body may be, and how long the sending of it may take."""

    most: int = MAX_BODY_BYTES
    seconds: float = 30.0


# Who has not signed in may send little, so that many slow senders at once fill no memory.
ALLOWANCES = {
    "/api/session": Allowance(16_000, 15.0),
    WEBHOOK_PATH: Allowance(256_000, 15.0),
    "/api/cloud-agents/uploads": Allowance(16_000_000, 120.0),
}

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class HostCheck:
    """On a loopback address only our own names are answered, so that a rebound DNS name reaches nothing.

    Bound to any other address, the names that lead here are not ours to know: all are answered. Cursor's webhooks come
    from outside: they alone may also use the name in `public_url`, which stands in the configuration. The pages may
    not, as whoever reaches them can start agents; unless everybody has to sign in.
    """

    def __init__(self, app: ASGIApp, host: str, public_url: str | None = None, is_closed: bool = False) -> None:
        self._app = app
        self._is_closed = is_closed
        self._public = (urlsplit(public_url).hostname or "").rstrip(".") if public_url else None
        self._allowed = _LOCAL_HOSTS | {host.strip("[]").lower()} if is_loopback(host) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._is_allowed(scope):
            message = "This server answers to localhost only; set HOST to an address to serve other names."
            await _refuse(scope, receive, send, 400, "invalid_host", message)
            return
        await self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        host = Headers(scope=scope).get("host")
        # Every browser sends a Host; what sends none cannot have been lured here by a page.
        if self._allowed is None or not host or _hostname(host) in self._allowed:
            return True
        is_for_all = self._is_closed or (scope["type"] == "http" and scope["path"] == WEBHOOK_PATH)
        return is_for_all and _hostname(host) == self._public


class OriginCheck:
    """Pages of other sites may not change anything through a visitor's browser (CSRF)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_api(scope) and scope["method"] not in _SAFE_METHODS and _is_foreign(Headers(scope=scope)):
            message = "Refused: this request comes from a page of another site."
            await _refuse(scope, receive, send, 403, "foreign_origin", message)
            return
        await self._app(scope, receive, send)


class BodyLimit:
    """Reads the body of an API request whole; answers 413 where it grows too large, 408 where it takes too long.

    Bytes are counted as they come: a Content-Length may be absent or lie.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_api(scope):
            await self._app(scope, receive, send)
            return
        allowance = allowance_of(scope["path"])
        try:
            async with asyncio.timeout(allowance.seconds):
                body = await _read(receive, allowance.most)
        except TimeoutError:
            message = f"The body has to arrive within {allowance.seconds:g} seconds; send less, or faster."
            await problem(408, "body_too_slow", message, headers={"Connection": "close"})(scope, receive, send)
            return
        if body is None:
            message = f"The body may have at most {size_of(allowance.most)}; send less at once."
            await problem(413, "body_too_large", message)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def allowance_of(path: str) -> Allowance:
    """What a body sent to this address may be like."""
    first = "/api/session" if path.startswith("/api/session/") else path
    return ALLOWANCES.get(first, Allowance())


def size_of(size: int) -> str:
    """A size as a person says it."""
    return f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1000} kB"


def is_loopback(host: str) -> bool:
    """True for an address that only this machine can reach."""
    name = host.strip("[]").lower()
    return name in _LOCAL_HOSTS or name.startswith("127.")


async def _read(receive: Receive, max_bytes: int) -> list[Message] | None:
    """The messages of the body, or None where it is too large; it is then read to its end."""
    messages: list[Message] = []
    size = 0
    while size <= MAX_DROPPED_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        if size > max_bytes:
            messages.clear()
        else:
            messages.append(message)
        if not message.get("more_body", False):
            return messages if size <= max_bytes else None
    return None


def _replay(messages: list[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def replay() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return replay


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, code: str, message: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": message[:120]})
        return
    await problem(status, code, message)(scope, receive, send)


def _is_api(scope: Scope) -> bool:
    return scope["type"] == "http" and (scope["path"] == "/api" or scope["path"].startswith("/api/"))


def _is_foreign(headers: Headers) -> bool:
    if headers.get("sec-fetch-site") in _FOREIGN_SITES:
        return True
    origin = headers.get("origin")
    # The scheme is not compared: behind a proxy that ends TLS this server sees http.
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
