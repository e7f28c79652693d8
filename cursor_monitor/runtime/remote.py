"""The product's own HTTP API as other programs use it: the command line and the MCP server, with an API token."""

from __future__ import annotations

import ipaddress
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.runtime.product import local_address
from cursor_monitor.settings import Settings

API = "/api/cloud-agents"
ENDED = frozenset(
    map(
        str,
        (
            OrchestrationStatus.COMPLETED,
            OrchestrationStatus.PARTIAL,
            OrchestrationStatus.ERROR,
            OrchestrationStatus.STOPPED,
        ),
    )
)
_TIMEOUT = 30.0
_PASSING = (429, 502, 503, 504)
_TRIES, _PAUSE = 4, 0.5


class RemoteError(Exception):
    """The server refused, or does not answer; the message is one line for a person."""

    def __init__(self, message: str, *, status: int | None = None, code: str = "unreachable") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def is_passing(self) -> bool:
        """True where the same request may work a little later."""
        return self.status is None or self.status in _PASSING


class Remote:
    """Requests to one server; `with` closes the connections."""

    def __init__(self, url: str, token: str | None = None, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=f"{self.url}{API}",
            headers=headers,
            timeout=_TIMEOUT,
            trust_env=not _is_near(self.url),  # a proxy does not lead to one's own machine
            transport=transport,
        )

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """What the server says, as JSON."""
        return self._send("GET", path, params=_given(parameters)).json()

    def text(self, path: str, **parameters: Any) -> str:
        """The same as text."""
        return self._send("GET", path, params=_given(parameters)).text

    def every(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """All rows of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **parameters, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def change(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask for a change; nothing is sent a second time by itself."""
        return _answered(self._send("POST", path, json=_given(body or {})))

    def create(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Ask for something new under a key, so that a lost answer can be asked for again and nothing is made twice."""
        headers = {"Idempotency-Key": key or f"cli-{uuid.uuid4()}"}
        for left in reversed(range(_TRIES)):
            try:
                return _answered(self._send("POST", path, json=_given(body), headers=headers))
            except RemoteError as error:
                if not (left and error.is_passing):
                    raise
            time.sleep(_PAUSE)
        raise AssertionError

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise RemoteError(f"no answer from {self.url} ({type(error).__name__}); is it running?") from None
        if answer.is_success:
            return answer
        raise _refused(answer, self.url)


def connect(settings: Settings) -> Remote:
    """The server that the settings name: CURSOR_MONITOR_URL, or the one of this machine."""
    return Remote(settings.client_url or local_address(settings), settings.client_token)


def part(value: str) -> str:
    """A value as one part of an address."""
    return quote(value, safe="")


def _answered(answer: httpx.Response) -> Any:
    return answer.json() if answer.content else {}


def _refused(answer: httpx.Response, url: str) -> RemoteError:
    try:
        problem = answer.json()["error"]
        code, message = str(problem["code"]), str(problem["message"])
    except (ValueError, KeyError, TypeError):
        return RemoteError(f"{url} answers {answer.status_code}; is it Cursor Monitor?", status=answer.status_code)
    if answer.status_code == 401:
        message = f"{message} Set CURSOR_MONITOR_TOKEN to one, made on the page {url}/settings/access."
    return RemoteError(message, status=answer.status_code, code=code)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _is_near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
