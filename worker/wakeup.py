"""What wakes the runner: a NOTIFY where LISTEN works, a call by Redis where there is one, and the poll beside them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable

import psycopg

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.store import database, leases, notices
from cursor_monitor.store.bell import bell
from cursor_monitor.store.herald import CHANNEL

log = logging.getLogger(__name__)

_PING = "ping"
_PING_SECONDS = 3.0
_KEEPALIVE_SECONDS = 30.0
_RETRY_SECONDS = 1.0


class Wakeup:
    """An event that LISTEN sets; `mode` says whether LISTEN is known to work.

    `holder` is the number that the listening connection locks while it lives; None where it has no lock.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._is_known = asyncio.Event()
        self.mode = "starting"
        self.check_leases: Callable[[], None] = lambda: None
        self.holder: int | None = None
        self._number = _draw()

    def set(self) -> None:
        """Wake the runner now."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Return when woken, or after so many seconds; True where woken."""
        if seconds > 0 and not self._event.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._event.wait(), seconds)
        was_woken = self._event.is_set()
        self._event.clear()
        return was_woken

    async def wait_until_known(self, seconds: float) -> None:
        """Return once it is known whether LISTEN works, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_known.wait(), seconds)

    async def listen(self) -> None:
        """Listen for ever; where it does not work, say so and try again now and then."""
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    connection = await database.connect_listener_async()
                    stack.push_async_callback(connection.close)
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    await self._hear(connection)
            except (Unavailable, psycopg.Error, OSError) as error:
                # A link that only broke is back before anybody takes its worker for dead.
                pause = _RETRY_SECONDS if self.mode == "polling" else 0.0
                self._fall_back(f"connection lost: {type(error).__name__}")
                await asyncio.sleep(pause)

    async def listen_to_redis(self) -> None:
        """Hear the calls that come by Redis, for as long as there is one."""
        await bell.hear(self._take)

    def _take(self, word: str) -> None:
        if word == notices.LOST:
            self.check_leases()
        else:
            self.set()

    async def _hear(self, connection: psycopg.AsyncConnection[object]) -> None:
        """A transaction pooler accepts LISTEN and delivers nothing, so the first thing to hear is our own ping."""
        await asyncio.to_thread(_ping)
        async for notice in connection.notifies(timeout=_PING_SECONDS):
            self.set()
            if notice.payload == _PING:
                break
        else:
            self._fall_back("a notification of our own never came (a transaction pooler?)")
            await asyncio.sleep(_KEEPALIVE_SECONDS)
            return
        await self._hold(connection)
        self.mode = "listen"
        self._is_known.set()
        self.set()
        while True:
            async for notice in connection.notifies(timeout=_KEEPALIVE_SECONDS):
                self._take(notice.payload)
            await connection.execute("SELECT 1")

    async def _hold(self, connection: psycopg.AsyncConnection[object]) -> None:
        """Only a connection that hears is our own; behind a transaction pooler a lock would stay with a stranger."""
        while not await leases.hold(connection, self._number):
            self._number = _draw()  # the server has not noticed yet that our former connection is dead
        self.holder = self._number
        self.check_leases()  # so that what was claimed without it, or under another number, bears it at once

    def _fall_back(self, reason: str) -> None:
        if self.mode != "polling":
            log.warning("waking up by polling only", extra={"reason": reason})
        self.mode = "polling"
        self._is_known.set()
        self.holder = None


def _draw() -> int:
    return random.SystemRandom().randrange(1, 2**31)


def _ping() -> None:
    with database.connect() as connection:
        connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, _PING))
