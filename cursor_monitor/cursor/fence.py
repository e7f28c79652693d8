"""Until when a POST may begin to leave this process: looked at again by the socket, after all that may take long.

Between that look and the write of the first byte a timer of the kernel stands: a process that is stopped just there,
until its time is over, is ended by it and never writes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from cursor_monitor.cursor import fuse
from cursor_monitor.cursor.errors import Retryable


@dataclass(slots=True)
class _Window:
    until: float
    timer: int | None = None

    def close(self) -> None:
        fuse.defuse(self.timer)
        self.timer = None


_window: ContextVar[_Window | None] = ContextVar("window", default=None)
_WRITES = (".send_request_headers", ".send_connection_init")


def clock() -> float:
    """Seconds that also pass while this process is stopped or the machine asleep."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@contextmanager
def sending_until(moment: float) -> Iterator[None]:
    """POSTs inside leave before that moment of the clock, or not at all."""
    window = _Window(moment)
    token = _window.set(window)
    try:
        yield
    finally:
        window.close()
        _window.reset(token)


def check() -> None:
    """Raise Retryable where it is too late to send: nothing was, and somebody else may be doing so."""
    window = _window.get()
    if window is not None and clock() >= window.until:
        raise Retryable("too_late", "not sent: the time in which nobody else would send it is over")


async def check_write(event: str, info: object) -> None:
    """The same, as httpx tells of each step: asked when the first byte of the request is about to leave."""
    step, _, word = event.rpartition(".")
    if not step.endswith(_WRITES):
        return
    window = _window.get()
    if window is not None:
        window.close()
        if word == "started":
            check()
            window.timer = fuse.arm(window.until)
