"""Until when a POST may begin to leave this process: looked at again by the socket, after all that may take long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cursor_monitor.cursor.errors import Retryable

_until: ContextVar[float | None] = ContextVar("until", default=None)
_WRITES = (".send_request_headers.started", ".send_connection_init.started")


def clock() -> float:
    """Seconds that also pass while this process is stopped or the machine asleep."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@contextmanager
def sending_until(moment: float) -> Iterator[None]:
    """POSTs inside leave before that moment of the clock, or not at all."""
    token = _until.set(moment)
    try:
        yield
    finally:
        _until.reset(token)


def check() -> None:
    """Raise Retryable where it is too late to send: nothing was, and somebody else may be doing so."""
    until = _until.get()
    if until is not None and clock() >= until:
        raise Retryable("too_late", "not sent: the time in which nobody else would send it is over")


async def check_write(event: str, info: object) -> None:
    """The same, as httpx tells of each step: asked when the first byte of the request is about to leave."""
    if event.endswith(_WRITES):
        check()
