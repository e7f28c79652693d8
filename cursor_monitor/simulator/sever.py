"""Cutting a connection: the server offers no way, so the process's own socket to the client is shut."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class ConnectionCutError(ConnectionError):
    """Raised where there is no socket to shut, as in tests that call the application directly."""


def sever(scope: MutableMapping[str, Any]) -> None:
    """Shut the connection of a request down, both ways; raise ConnectionCutError where there is none."""
    client = scope.get("client")
    found = [_shut(int(entry.name), str(client[1])) for entry in _descriptors()] if client else []
    if not any(found):
        raise ConnectionCutError("the connection is cut")


def _descriptors() -> list[Path]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return [entry for entry in Path(folder).iterdir() if entry.name.isdigit()]
    return []


def _shut(descriptor: int, peer_port: str) -> bool:
    try:
        copy = os.dup(descriptor)
    except OSError:
        return False
    try:
        connection = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return False
    with connection, suppress(OSError):
        peer = connection.getpeername()
        if isinstance(peer, tuple) and str(peer[1]) == peer_port:
            connection.shutdown(socket.SHUT_RDWR)
            return True
    return False
