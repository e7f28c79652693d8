"""The supervisor: starts parts in order, brings back what ends by itself, stops all in the opposite order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from cursor_monitor.runtime.parts import Part, PartFailedError, Say

START_ATTEMPTS = 3


class StartFailedError(RuntimeError):
    """The product could not be brought up; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a part is started again, in seconds: doubling, forgotten after a quiet time."""

    first: float = 1.0
    top: float = 30.0
    forget_after: float = 60.0

    def delay(self, failures: int) -> float:
        """The wait before the start that follows the given number of failures in a row (from 1)."""
        return min(self.top, self.first * 2.0 ** min(failures - 1, 30))


class Supervisor:
    """Parts of one product. It must be used from the main thread: Linux ends the parts with their thread."""

    def __init__(self, say: Say, backoff: Backoff | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._parts: list[Part] = []
        self._watches: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self.on_change: Callable[[list[int]], None] = lambda pids: None

    async def start(self, part: Part) -> None:
        """Start a part and watch it from now on; StartFailedError after START_ATTEMPTS failures in a row."""
        self._parts.append(part)
        problem: str | None = "was not started"
        for attempt in range(START_ATTEMPTS):
            if attempt > 0:
                await self._pause(f"{part.name} {problem}", self._backoff.delay(attempt))
            if self._stopping.is_set():
                return
            problem = await self._try(part)
            if problem is None:
                self._watches.append(asyncio.create_task(self._watch(part), name=part.name))
                return
        raise StartFailedError(f"{part.name} {problem}; gave up after {START_ATTEMPTS} attempts")

    def request_stop(self) -> None:
        """Ask for the end; a second request takes away all grace. Safe in a signal handler of the loop."""
        if self._stopping.is_set():
            self._say("stopping at once")
            self._hurry.set()
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """True once the end was asked for."""
        return self._stopping.is_set()

    async def wait_for_stop(self) -> None:
        """Wait until the end is asked for."""
        await self._stopping.wait()

    async def stop(self) -> None:
        """Stop every part, the last started first, and return when no process is left."""
        self._stopping.set()
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for part in reversed(self._parts):
            if part.pids():
                self._say(f"stopping {part.name}")
            await part.stop(self._hurry)
        self._parts.clear()

    async def _watch(self, part: Part) -> None:
        failures, since = 0, self._clock()
        while True:
            problem: str | None = f"exited with code {await part.wait()}"
            while problem is not None:
                failures = 1 if self._clock() - since >= self._backoff.forget_after else failures + 1
                await self._pause(f"{part.name} {problem}", self._backoff.delay(failures))
                if self._stopping.is_set():
                    return
                since = self._clock()
                problem = await self._try(part)
            self._say(f"{part.name} is back")

    async def _try(self, part: Part) -> str | None:
        """Start a part once; None where it runs, else what is wrong with it."""
        try:
            await part.start(self._say)
        except PartFailedError as failure:
            await part.stop(self._hurry)
            return f"failed: {failure}"
        except asyncio.CancelledError:
            await part.stop(self._hurry)
            raise
        self._tell()
        if not part.pids():
            return f"exited with code {await part.wait()}"
        return None

    async def _pause(self, problem: str, seconds: float) -> None:
        self._say(f"{problem}; restarting in {seconds:g} s")
        self._tell()
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _tell(self) -> None:
        self.on_change([pid for part in self._parts for pid in part.pids()])
