"""One connection pool to the code host: conditional GETs, no redirect to elsewhere, every failure as one error."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from cursor_monitor.codehost.api import Limits
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.domain.text import storable

TIMEOUT = httpx.Timeout(20.0, connect=10.0)
MOST_BYTES = 20_000_000
MOST_REDIRECTS = 3
SECONDARY_SECONDS = 60.0  # what the code host asks for where it names no time
MOST_WAIT_SECONDS = 3700.0
_MOST_MESSAGE = 300


class TokenAuth(httpx.Auth):
    """Holds the token and sends it to its own origin only."""

    def __init__(self, token: str, base_url: httpx.URL) -> None:
        # httpx would quote a header that it cannot send, and the token with it, in its error.
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("the code host's token must be printable ASCII without spaces")
        self._token = token
        self._origin = origin(base_url)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token to a request for our origin."""
        if origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def redact(self, text: str) -> str:
        """The text without the token, should a server have echoed it."""
        return text.replace(self._token, "[token]")


class Answer:
    """What came back: nothing new, or data; `has_next` where the code host says that more follows."""

    __slots__ = ("data", "etag", "has_next", "is_unchanged", "limits")

    def __init__(self, response: httpx.Response, data: Any, limits: Limits) -> None:
        self.is_unchanged = response.status_code == 304
        self.data = data
        self.etag = response.headers.get("ETag")
        self.has_next = "next" in response.links
        self.limits = limits


class Wire:
    """Sends GETs with the token; never logs it, never lets it go to another host."""

    def __init__(
        self, base_url: str, token: str, *, transport: httpx.AsyncBaseTransport | None, now: Callable[[], datetime]
    ) -> None:
        url = httpx.URL(base_url)
        self._auth = TokenAuth(token.strip(), url)
        self._origin = origin(url)
        self._now = now
        self._http = httpx.AsyncClient(
            base_url=url,
            auth=self._auth,
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "cursor-monitor",
            },
            timeout=TIMEOUT,
            transport=transport,
            follow_redirects=False,
            # A proxy from the environment is for the outside, not for a simulator beside us.
            trust_env=url.host not in ("localhost", "127.0.0.1", "::1"),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._http.base_url.host}>"

    async def get(
        self,
        path: str,
        params: Mapping[str, Any],
        etag: str | None = None,
        learn: Callable[[Limits], None] | None = None,
    ) -> Answer:
        """One question; raises CodeHostError."""
        request = self._http.build_request("GET", path, params=params)
        for _ in range(MOST_REDIRECTS + 1):
            if etag:
                request.headers["If-None-Match"] = etag
            with self._translated():
                response = await self._send(request)
            limits = self._limits(response)
            if learn is not None:
                learn(limits)
            if response.status_code not in (301, 302, 307, 308):
                return self._read(response, limits)
            request = self._redirected(response)
        raise CodeHostError("unavailable", "the code host sends us round in circles")

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise CodeHostError("unavailable", f"an answer of more than {MOST_BYTES // 1_000_000} MB")
        finally:
            await response.aclose()
        response._content = bytes(body)
        return response

    def _redirected(self, response: httpx.Response) -> httpx.Request:
        try:
            target = response.request.url.join(response.headers.get("Location", ""))
        except httpx.InvalidURL:
            target = httpx.URL()
        # A repository that was renamed answers so, on the same host; the token goes nowhere else.
        if origin(target) != self._origin:
            raise CodeHostError("access", "a redirect to another host was refused", status=response.status_code)
        return self._http.build_request("GET", target)

    def _read(self, response: httpx.Response, limits: Limits) -> Answer:
        if response.status_code == 304:
            return Answer(response, None, limits)
        if not response.is_success:
            raise self._refusal(response, limits)
        try:
            return Answer(response, json.loads(response.content), limits)
        except (ValueError, RecursionError):
            raise CodeHostError("unavailable", "the answer is not JSON", status=response.status_code) from None

    def _refusal(self, response: httpx.Response, limits: Limits) -> CodeHostError:
        status, message = response.status_code, self._message(response)
        if status == 401:
            return CodeHostError("token", message, status=status)
        wait = self._wait(response, limits, message)
        if wait is not None:
            return CodeHostError("limited", message, status=status, retry_after=wait)
        if status >= 500 or status in (408, 425):
            return CodeHostError("unavailable", message, status=status)
        return CodeHostError("access", message, status=status)

    def _wait(self, response: httpx.Response, limits: Limits, message: str) -> float | None:
        """Seconds to wait where the answer is about a limit, None where it is not."""
        if response.status_code not in (403, 429):
            return None
        told = response.headers.get("Retry-After", "")
        if told.isascii() and told.isdigit() and len(told) < 9:
            return min(float(told), MOST_WAIT_SECONDS)
        if limits.remaining == 0 and limits.reset_at is not None:
            return min(max((limits.reset_at - self._now()).total_seconds(), 1.0), MOST_WAIT_SECONDS)
        is_limit = response.status_code == 429 or "rate limit" in message.lower()
        return SECONDARY_SECONDS if is_limit else None

    def _limits(self, response: httpx.Response) -> Limits:
        limit, remaining, reset = (
            _count(response.headers.get(f"X-RateLimit-{word}")) for word in ("Limit", "Remaining", "Reset")
        )
        reset_at = datetime.fromtimestamp(reset, UTC) if reset is not None and reset < 2**33 else None
        return Limits(limit, remaining, reset_at)

    def _message(self, response: httpx.Response) -> str:
        try:
            data = json.loads(response.content)
        except (ValueError, RecursionError):
            data = None
        said = data.get("message") if isinstance(data, dict) else None
        text = said if isinstance(said, str) and said else f"the code host answered {response.status_code}"
        return storable(self._auth.redact(text))[:_MOST_MESSAGE]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        # The causes hold the request and its headers, so they are described, not chained.
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CodeHostError("unavailable", self._auth.redact(f"{type(error).__name__}: {error}")) from None


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port."""
    return url.scheme, url.host, url.port


def _count(value: str | None) -> int | None:
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
