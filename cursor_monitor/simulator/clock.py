"""Time as the simulator sees it, in whole milliseconds since 1970, and waiting for it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time; tests put a ManualClock in its place."""

    def now(self) -> int:
        """The present moment in milliseconds."""
        ...

    async def wait(self, until: int, wake: asyncio.Event) -> None:
        """Return at `until` milliseconds, or earlier once `wake` is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """The present moment in milliseconds."""
        return time.time_ns() // 1_000_000

    async def wait(self, until: int, wake: asyncio.Event) -> None:
        """Return at `until` milliseconds, or earlier once `wake` is set."""
        try:
            async with asyncio.timeout(max(0, until - self.now()) / 1000):
                await wake.wait()
        except TimeoutError:
            return


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self, start: int = 1_790_000_000_000) -> None:
        self._now = start
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now(self) -> int:
        """The present moment in milliseconds."""
        return self._now

    async def wait(self, until: int, wake: asyncio.Event) -> None:
        """Return at `until` milliseconds, or earlier once `wake` is set."""
        if until <= self._now:
            await asyncio.sleep(0)
            return
        sleeper = (until, wake)
        self._sleepers.append(sleeper)
        try:
            await wake.wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    @property
    def sleepers(self) -> int:
        """How many wait for a moment that has not come."""
        return len(self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move time forward and wake whoever waited for it."""
        self._now += round(seconds * 1000)
        for until, wake in self._sleepers:
            if until <= self._now:
                wake.set()
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]


def timestamp(milliseconds: int) -> str:
    """ISO 8601 in UTC with milliseconds and Z, the only form the API uses."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
