"""One POST to an address that was checked: no redirect, no proxy, no second look-up, no long answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore

from cursor_monitor.outgoing.addresses import resolve
from cursor_monitor.outgoing.errors import DeliveryError

SECONDS = 15.0
LONGEST_WAIT = 3600.0
_READ_MOST = 2000
_AGAIN = (408, 425, 429)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the addresses that were checked, so that a name cannot lead elsewhere a moment later."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the name is that of the interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in await resolve(host, port, allow_private=self._allow_private):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


async def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> None:
    """Send it; raises DeliveryError unless the answer is 2xx."""
    host = urlsplit(url).hostname or ""
    try:
        async with asyncio.timeout(SECONDS):
            status, said, after = await _exchange(url, body, headers, allow_private=allow_private)
    except TimeoutError:
        raise DeliveryError(f"{host} did not answer within {SECONDS:g} s") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
        raise DeliveryError(f"{host} cannot be reached ({type(error).__name__})") from None
    _judge(host, status, said, after)


async def _exchange(
    url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool
) -> tuple[int, str, str | None]:
    network = CheckedNetwork(allow_private=allow_private)
    sent = {"Content-Type": "application/json", "User-Agent": "cursor-monitor", "Accept": "*/*", **headers}
    async with (
        httpcore.AsyncConnectionPool(ssl_context=ssl.create_default_context(), network_backend=network) as pool,
        pool.stream("POST", url, headers=list(sent.items()), content=body) as answer,
    ):
        read = b""
        async for piece in answer.aiter_stream():
            read += piece
            if len(read) > _READ_MOST:
                break
    after = next(
        (value.decode("ascii", "ignore") for name, value in answer.headers if name.lower() == b"retry-after"), None
    )
    return answer.status, read[:_READ_MOST].decode("utf-8", "replace"), after


def _judge(host: str, status: int, said: str, after: str | None) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise DeliveryError(f"{host} answered {status}, a redirect, which is not followed", is_final=True)
    wait = min(float(after), LONGEST_WAIT) if after and after.isdecimal() else None
    # What the other side says may quote the address, which is a secret: its first words are enough.
    words = " ".join("".join(char if char.isprintable() else " " for char in said[:80]).split())
    message = f"{host} answered {status}" + (f": {words}" if words else "")
    raise DeliveryError(message, is_final=status < 500 and status not in _AGAIN, after_seconds=wait)
