"""One connection pool to Cursor: sends, times out, retries reads, turns each failure into our errors."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import httpx

from cursor_monitor.cursor import fence
from cursor_monitor.cursor.errors import CursorError, OutcomeUnknown, Retryable, Throttled
from cursor_monitor.cursor.fields import PayloadError, parse_json
from cursor_monitor.cursor.gate import Gate, OpenGate, Witness, endpoint_of
from cursor_monitor.cursor.limits import RateLimits, parse_limits, parse_retry_after, time_there
from cursor_monitor.cursor.refusals import read_refusal, sort_refusal
from cursor_monitor.secrets.redaction import redact, redact_bytes
from cursor_monitor.tracing import Span, span

T = TypeVar("T")

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
SLOW_READ_SECONDS = 120.0  # creating an agent has taken over 40 s, listing repositories tens of seconds
STREAM_READ_SECONDS = 90.0  # the first heartbeat comes after 30 to 36 s, later ones every 15 s
TOTAL_SECONDS = 300.0  # an answer may trickle: each piece in time, the whole never
READ_RETRIES = 2
PATIENCE_SECONDS = 5.0  # a longer Retry-After is the caller's to wait for
BACKOFF_SECONDS = 0.5
POOL = httpx.Limits(max_connections=1000, max_keepalive_connections=100)

_WORDS = frozenset(
    {
        *("", "v0", "v1", "agents", "runs", "cancel", "stream", "archive", "unarchive", "usage", "artifacts"),
        *("download", "me", "models", "repositories", "conversation"),
    }
)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

log = logging.getLogger(__name__)


class KeyAuth(httpx.Auth):
    """Holds the key and sends it to its own origin only, as Basic: the scheme documented for v0 and v1."""

    def __init__(self, api_key: str, base_url: httpx.URL) -> None:
        key = api_key.strip()
        # httpx would quote a header that it cannot send, and the key with it, in its error.
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the Cursor API key must be printable ASCII without spaces")
        self._key = key
        self._token = base64.b64encode(f"{key}:".encode()).decode()
        self._origin = _origin(base_url)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the key to a request for our origin."""
        if _origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Basic {self._token}"
        yield request

    def redact(self, text: str) -> str:
        """The text without the key, should a server have echoed it."""
        return text.replace(self._key, "[key]").replace(self._token, "[key]")


class Wire:
    """Sends requests for one key; POSTs go out once, GETs are retried while that is cheap."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.AsyncBaseTransport | None,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
        now: Callable[[], datetime],
        gate: Gate | None = None,
        witness: Witness | None = None,
    ) -> None:
        url = _parse_base_url(base_url)
        self.limits: RateLimits | None = None
        self._auth = KeyAuth(api_key, url)
        self._sleep = sleep
        self._random = random
        self._now = now
        self._gate = gate or OpenGate()
        self._witness = witness
        self._http = httpx.AsyncClient(
            base_url=url,
            auth=self._auth,
            headers={"Accept": "application/json", "User-Agent": "cursor-monitor"},
            limits=POOL,
            transport=transport,
            follow_redirects=False,
            # A proxy from the environment is for the outside, not for a simulator beside us.
            trust_env=url.host not in ("localhost", "127.0.0.1", "::1"),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._http.base_url.host}>"

    async def read(
        self,
        path: str,
        parse: Callable[[Any], T],
        *,
        params: Mapping[str, Any] | None = None,
        read_seconds: float = READ_SECONDS,
        retries: int = READ_RETRIES,
    ) -> T:
        """GET a path, again up to `retries` times where the failure is likely to pass within seconds."""
        attempt = 0
        while True:
            request = self._build("GET", path, read_seconds, params=_present(params))
            try:
                return await self._send(request, parse)
            except Throttled:
                raise
            except Retryable as error:
                pause = self._pause_after(error, attempt) if attempt < retries else None
                if pause is None:
                    raise
                log.info("retrying %s in %.1f s after %s", path, pause, error.code)
            await self._sleep(pause)
            attempt += 1

    async def write(
        self,
        method: str,
        path: str,
        parse: Callable[[Any], T],
        *,
        body: Mapping[str, Any] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> T:
        """Send a POST or DELETE exactly once."""
        if body is None:
            return await self._send(self._build(method, path, read_seconds), parse)
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return await self._send(self._build(method, path, read_seconds, content=content, headers=headers), parse)

    @asynccontextmanager
    async def open(self, path: str, headers: Mapping[str, str | bytes]) -> AsyncIterator[httpx.Response]:
        """Open an event stream; any failure while it is open comes out as one of our errors."""
        accept = {"Accept": "text/event-stream", **headers}
        request = self._build("GET", path, STREAM_READ_SECONDS, headers=accept)
        await self._gate.enter(endpoint_of(path))
        with self._translated(request):
            response = await self._http.send(request, stream=True)
            try:
                await self._check_stream(response)
                yield response
            finally:
                await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _build(self, method: str, path: str, read_seconds: float, **parts: Any) -> httpx.Request:
        timeout = httpx.Timeout(read_seconds, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
        return self._http.build_request(method, path, timeout=timeout, **parts)

    async def _send(self, request: httpx.Request, parse: Callable[[Any], T]) -> T:
        await self._gate.enter(endpoint_of(request.url.path))
        if request.method == "POST":
            fence.check()
            request.extensions["trace"] = fence.check_write
        with self._translated(request), _told(request) as told:
            async with asyncio.timeout(TOTAL_SECONDS):
                response = await self._http.send(request)
            told.note({"http.response.status_code": response.status_code})
        await self._note(response)
        if not response.is_success:
            raise await self._witnessed(self._refusal(response))
        if self._witness is not None:
            await self._witness.succeeded(starts_work=_starts_work(request))
        try:
            return parse(None if response.status_code == 204 else parse_json(redact_bytes(response.content)))
        except PayloadError as error:
            raise self._doubt(request, "bad_response", str(error), response.status_code) from None

    async def _check_stream(self, response: httpx.Response) -> None:
        await self._note(response)
        if not response.is_success:
            await response.aread()
            raise await self._witnessed(self._refusal(response))
        if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise Retryable("bad_response", "the answer is no event stream", status=response.status_code)

    @contextmanager
    def _translated(self, request: httpx.Request) -> Iterator[None]:
        # The causes hold the request and its headers, so they are described, not chained.
        try:
            yield
        except _NEVER_SENT as error:
            raise Retryable("connection_failed", self._describe(error)) from None
        except (httpx.TimeoutException, TimeoutError) as error:
            raise self._doubt(request, "timed_out", self._describe(error)) from None
        except httpx.RequestError as error:
            raise self._doubt(request, "connection_cut", self._describe(error)) from None

    def _doubt(self, request: httpx.Request, code: str, message: str, status: int | None = None) -> CursorError:
        kind = OutcomeUnknown if request.method == "POST" else Retryable
        return kind(code, message, status=status)

    def _refusal(self, response: httpx.Response) -> CursorError:
        refusal = read_refusal(response.status_code, response.content)
        there = time_there(response.headers, self._now())
        retry_after = parse_retry_after(response.headers.get("Retry-After"), there)
        message = redact(self._auth.redact(refusal.message))
        posted = response.request.method == "POST"
        return sort_refusal(replace(refusal, message=message), posted=posted, retry_after=retry_after)

    async def _witnessed(self, error: CursorError) -> CursorError:
        if self._witness is not None:
            await self._witness.refused(error)
        return error

    def _pause_after(self, error: Retryable, attempt: int) -> float | None:
        """Seconds until the next try, or None where waiting is not ours to do."""
        if error.retry_after is not None:
            pause = error.retry_after + self._random() * BACKOFF_SECONDS
            return pause if error.retry_after <= PATIENCE_SECONDS else None
        if error.status == 429 or error.code == "rate_limit_exceeded":
            return None
        return self._random() * BACKOFF_SECONDS * 2**attempt

    async def _note(self, response: httpx.Response) -> None:
        limits = parse_limits(response.headers, self._now())
        self.limits = limits or self.limits
        if limits is not None or response.status_code == 429:
            await self._gate.learn(endpoint_of(response.request.url.path), response.status_code, limits)

    def _describe(self, error: Exception) -> str:
        return self._auth.redact(f"{type(error).__name__}: {error}".removesuffix(": "))


def _parse_base_url(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL()
    # httpx escapes what cannot be in a host name instead of refusing it.
    if url.scheme not in ("http", "https") or not url.host or "%" in url.host or url.userinfo:
        raise ValueError("the Cursor API address must be an http(s) URL without a user")
    return url


def _told(request: httpx.Request) -> AbstractContextManager[Span]:
    """The call as traces tell of it: which one, not of what; Cursor hears nothing of the trace."""
    route = "/".join(part if part in _WORDS else "{id}" for part in request.url.path.split("/"))
    facts = {"http.request.method": request.method, "http.route": route, "server.address": request.url.host}
    return span(f"cursor {request.method} {route}", "client", facts)


def _starts_work(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith(("/agents", "/runs"))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _present(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}
