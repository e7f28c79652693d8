"""Ports: whether one is free, and whether someone answers on it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket


def why_not_free(host: str, port: int) -> str | None:
    """Why we cannot listen on the port; None where we can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the servers do: connections that linger from the last run are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "another program is using it"
        return error.strerror or str(error)
    return None


async def answers(host: str, port: int) -> bool:
    """True where something accepts a connection."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return True
    return False


def probe_host(host: str) -> str:
    """The address under which this machine reaches a server that listens on the host."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def url_host(host: str) -> str:
    """The host as a person types it."""
    shown = "localhost" if host in ("0.0.0.0", "127.0.0.1", "::", "::1") else host  # noqa: S104
    return f"[{shown}]" if ":" in shown else shown
