"""Ends the streams when the process is told to end: the server waits for every answer, and these have no end."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

from cursor_monitor import live

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Streams:
    """The open streams by the topic they watch."""

    def __init__(self) -> None:
        self.are_ending = False
        self._topics: Counter[str] = Counter()

    @contextmanager
    def open(self, topic: str) -> Iterator[None]:
        """Count one stream for the length of the block."""
        self._topics[topic] += 1
        try:
            yield
        finally:
            self._topics[topic] -= 1

    def end(self) -> None:
        """Wake every stream, so that it sees that it is to end."""
        self.are_ending = True
        for topic in +self._topics:
            live.feed.publish(topic)


streams = Streams()


@asynccontextmanager
async def ending_streams() -> AsyncIterator[None]:
    """A lifespan of the web process, entered in its main thread: SIGTERM and SIGINT end the streams."""
    loop = asyncio.get_running_loop()
    with _told_of_signals(lambda: loop.call_soon_threadsafe(streams.end)):
        yield
    streams.are_ending = False


@contextmanager
def _told_of_signals(tell: Callable[[], object]) -> Iterator[None]:
    """Call `tell` at a signal besides what the server does at it; its handlers in the event loop stay in place."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        tell()
        previous = before[signal.Signals(number)]
        if callable(previous):
            previous(number, frame)

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
