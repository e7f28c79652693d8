"""Who may come in: every request and every websocket shows who it is for, and that their role is enough."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cursor_monitor.api.cookies import session_key
from cursor_monitor.api.errors import RETRY_AFTER_SECONDS, problem
from cursor_monitor.api.permissions import API, READING, role_for
from cursor_monitor.domain.access import LOCAL, Actor, ActorKind, Role
from cursor_monitor.domain.errors import AppError, Unavailable
from cursor_monitor.services import audit
from cursor_monitor.services.caller import acting_as, forbidden
from cursor_monitor.services.identities import identify_session, identify_token

CSRF_HEADER = "x-requested-with"
RECHECK_SECONDS = 15.0
_IN_URL = frozenset({"token", "access_token", "api_token", "api_key", "apikey", "authorization", "password"})
# These write their own entries, in the transaction of the change.
_AUDITED = tuple(f"{API}/{name}" for name in ("users", "tokens", "sessions", "password"))


class Gate:
    """Lets in whom the address is for; in the open mode of one's own machine everybody is `local`."""

    def __init__(self, app: ASGIApp, *, is_closed: bool, public_url: str | None = None, proxy_hops: int = 0) -> None:
        self._app = app
        self._is_closed = is_closed
        self._public_url = public_url
        self._hops = proxy_hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope["visitor_ip"] = client_ip(scope, headers, self._hops)
        refusal = self._malformed(scope, headers)
        actor: Actor | None = None
        needed = role_for(_method(scope), scope["path"])
        if refusal is None:
            try:
                actor = await self._identify(scope, headers)
            except Unavailable as error:
                refusal = None if needed is None else _unavailable(error)
            else:
                refusal = self._refusal(scope, headers, needed, actor)
        if refusal is not None:
            await _answer(scope, receive, send, refusal)
        else:
            with acting_as(actor):
                await self._app(scope, receive, self._watching(scope, headers, needed, actor, send))
            return
        if actor is not None and scope["type"] == "http" and _method(scope) not in READING:
            await run_in_threadpool(_record, actor, scope, refusal.status_code)

    def _malformed(self, scope: Scope, headers: Headers) -> Response | None:
        """What is refused whoever asks: a foreign page's websocket, a secret in an address."""
        if scope["type"] == "websocket" and not is_same_site(
            headers.get("origin"), {"HTTP_HOST": headers.get("host", "")}, self._public_url
        ):
            return problem(403, "foreign_origin", "Refused: this connection comes from a page of another site.")
        if scope["path"].startswith("/api") and _IN_URL & {k.lower() for k in QueryParams(scope["query_string"])}:
            message = "Addresses end up in logs and histories: send the token in the header Authorization: Bearer."
            return problem(400, "secret_in_url", message)
        return None

    async def _identify(self, scope: Scope, headers: Headers) -> Actor | None:
        ip = scope["visitor_ip"]
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind:
            # Credentials that are wrong are refused, also where none would be needed.
            return await run_in_threadpool(identify_token, token.strip(), ip) if kind.lower() == "bearer" else None
        if not self._is_closed:
            return LOCAL
        key = session_key(headers)
        return await run_in_threadpool(identify_session, key, ip) if key else None

    def _refusal(self, scope: Scope, headers: Headers, needed: Role | None, actor: Actor | None) -> Response | None:
        if needed is None:
            return None
        if actor is None:
            return _unknown(scope, has_token="authorization" in headers)
        if not actor.role.includes(needed):
            error = forbidden(actor, needed)
            return problem(403, error.code, error.message, error.details)
        is_write = scope["type"] == "http" and scope["method"] not in READING
        if is_write and actor.kind is ActorKind.SESSION and CSRF_HEADER not in headers:
            message = "A change with the cookie of a session needs the header X-Requested-With; or send an API token."
            return problem(403, "csrf_header_missing", message)
        return None

    def _watching(self, scope: Scope, headers: Headers, needed: Role | None, actor: Actor | None, send: Send) -> Send:
        """A `send` that notes changes in the audit log, and ends a long answer once its reader may no longer read."""
        checked = time.monotonic()
        status = 0

        async def watching(message: Message) -> None:
            nonlocal checked, status
            if message["type"] == "http.response.start":
                status = message["status"]
                if self._is_closed and needed is not None:
                    # A browser that kept the page would show it to whoever comes after a sign-out.
                    MutableHeaders(scope=message)["Cache-Control"] = "no-store"
            is_body = message["type"] == "http.response.body" and actor is not None and needed is not None
            has_more = bool(message.get("more_body"))
            is_own = status < 400 and scope["path"].startswith(_AUDITED)
            if is_body and actor and not has_more and scope["method"] not in READING and not is_own:
                # Before the answer, so that there is no change that somebody was told of and the log was not.
                await run_in_threadpool(_record, actor, scope, status)
            await send(message)
            if is_body and needed and has_more and time.monotonic() - checked > RECHECK_SECONDS:
                checked = time.monotonic()
                if not await self._still_may(scope, headers, needed):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    raise OSError("the session or token of this stream has ended")

        return watching

    async def _still_may(self, scope: Scope, headers: Headers, needed: Role) -> bool:
        try:
            actor = await self._identify(scope, headers)
        except Unavailable:
            return True  # nothing new can be read meanwhile; the next look decides
        return actor is not None and actor.role.includes(needed)


def is_same_site(origin: str | None, environ: Mapping[str, Any], public_url: str | None = None) -> bool:
    """True where no page asks, or one that came from the host that it asks, or from the public address.

    The scheme is not compared: behind a proxy that ends TLS this server sees http.
    """
    if origin is None:
        return True
    netloc = urlsplit(origin).netloc.lower()
    own = (str(environ.get("HTTP_HOST", "")).lower(), urlsplit(public_url or "").netloc.lower())
    return bool(netloc) and netloc in own


def client_ip(scope: Scope, headers: Headers, hops: int) -> str | None:
    """Whose request it is: the peer, or what as many proxies as are trusted say of theirs."""
    forwarded = [part.strip() for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops][:64]
    client = scope.get("client")
    return client[0] if client else None


def _record(actor: Actor, scope: Scope, status: int) -> None:
    refused = status in (401, 403)
    outcome = audit.DONE if status < 400 else audit.REFUSED if refused else audit.FAILED
    path = scope["path"].removeprefix("/api/cloud-agents/")
    first, _, rest = path.partition("/")
    tail = rest.rpartition("/")[2] if rest.count("/") else ""
    action = f"{scope['method']} {first}" + (f" {tail}" if tail.replace("-", "").isalpha() else "")
    audit.record(actor, action, path, outcome, {"status": status})


def _method(scope: Scope) -> str:
    return "GET" if scope["type"] == "websocket" else scope["method"]


def _unknown(scope: Scope, *, has_token: bool) -> Response:
    wants_page = scope["type"] == "http" and scope["method"] in READING and not scope["path"].startswith("/api")
    if wants_page and not has_token and scope["path"] != "/metrics":  # a program reads it, and cannot sign in
        query = scope["query_string"].decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/sign-in?next={quote(target, safe='/')}", 303)
    message = "This API token is not valid, or no longer." if has_token else "Sign in, or send an API token as Bearer."
    return problem(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


def _unavailable(error: AppError) -> Response:
    return problem(503, error.code, error.message, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _answer(scope: Scope, receive: Receive, send: Send, refusal: Response) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "not signed in, or from a foreign page"})
        return
    await refusal(scope, receive, send)
