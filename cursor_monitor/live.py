"""Live changes: one LISTEN connection per process, fanned out to whoever watches a topic."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.store import database

log = logging.getLogger(__name__)

CHANNEL = "changes"
ORCHESTRATIONS = "orchestrations"
AGENTS = "agents"
HEALTH = "health"
ACCOUNTS = "accounts"
PROFILES = "profiles"
TEMPLATES = "templates"
SCHEDULES = "schedules"
NOTIFICATIONS = "notifications"
VIEWS = "views"
ACCESS = "access"
BRANCHES = "branches"
EVERYTHING = "*"
NOTHING = ""  # for a part of a page that is not what is shown

_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_KEEPALIVE_SECONDS = 30.0


def orchestration_topic(orchestration_id: str) -> str:
    """The topic of one orchestration."""
    return f"orchestration:{orchestration_id}"


def agent_topic(agent_id: str) -> str:
    """The topic of one agent."""
    return f"agent:{agent_id}"


def conversation_topic(agent_id: str) -> str:
    """The topic of what one agent says; it comes many times a second, so only who asks for it is woken."""
    return f"conversation:{agent_id}"


def seen_topic(owner: str) -> str:
    """The topic of what one person has seen."""
    return f"seen:{owner}"


class ChangeFeed:
    """Counts the changes of each topic; a watcher that knows the last count misses none.

    A watcher reads the count, then the database, then waits for the count to move on: a commit in between moved it.
    """

    def __init__(self) -> None:
        self._versions: dict[str, int] = defaultdict(int)
        self._waiters: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self.is_connected = False

    def version(self, topic: str) -> int:
        """How many changes of the topic were seen."""
        return self._versions[topic]

    async def changed(self, topic: str, since: int, seconds: float = 15.0) -> int:
        """Wait until the topic's count is not `since` or the time is over; return the count."""
        if self._versions[topic] == since:
            with self._waiting(topic) as future, contextlib.suppress(TimeoutError):
                await asyncio.wait_for(future, seconds)
        return self._versions[topic]

    def publish(self, payload: str) -> None:
        """Wake the watchers of a topic, of its kind, and of everything."""
        kind, _, identity = payload.partition(":")
        topics = {payload} if kind == "conversation" else {payload, EVERYTHING}
        if identity and kind != "conversation":
            topics.add(f"{kind}s")
        for topic in topics:
            self._bump(topic)

    async def run(self) -> None:
        """Listen for ever, reconnecting with back-off; every reconnection wakes all, for what was missed meanwhile."""
        failures = 0
        while True:
            try:
                async with contextlib.AsyncExitStack() as stack:
                    connection = await database.connect_listener_async()
                    stack.push_async_callback(connection.close)
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    failures = 0
                    self._set_connected(True)
                    await self._listen(connection)
            except (Unavailable, psycopg.Error, OSError) as error:
                if self.is_connected or failures == 0:
                    log.warning("live changes interrupted", extra={"reason": str(error)})
                self._set_connected(False)
                await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1

    async def _listen(self, connection: psycopg.AsyncConnection[object]) -> None:
        while True:
            async for notice in connection.notifies(timeout=_KEEPALIVE_SECONDS):
                self.publish(notice.payload)
            await connection.execute("SELECT 1")

    def _set_connected(self, connected: bool) -> None:
        self.is_connected = connected
        for topic in list(self._versions) + list(self._waiters):
            self._bump(topic)

    def _bump(self, topic: str) -> None:
        self._versions[topic] += 1
        for future in self._waiters.pop(topic, ()):
            if not future.done():
                future.set_result(None)

    @contextlib.contextmanager
    def _waiting(self, topic: str) -> Iterator[asyncio.Future[None]]:
        future = asyncio.get_running_loop().create_future()
        self._waiters[topic].add(future)
        try:
            yield future
        finally:
            waiters = self._waiters.get(topic)
            if waiters is not None:
                waiters.discard(future)
                if not waiters:
                    del self._waiters[topic]


feed = ChangeFeed()


@dataclass(slots=True)
class _Reading:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    version: int = -1
    began: float = 0.0
    result: Any = None


_MOST_READINGS = 256
_readings: dict[str, _Reading] = {}


async def shared(
    name: str, topic: str, read: Callable[[], Any], most_seconds: float = 10.0, *, least_seconds: float = 0.0
) -> Any:
    """Read once for all who ask for the same: again only after a change of the topic, or once the result is old.

    Who waited takes a reading that began after the change it was woken by; nobody is told anything older. Between two
    readings at least `least_seconds` pass, however many changes there are.
    """
    wanted = feed.version(topic)
    entry = _reading(name)
    async with entry.lock:
        if entry.version < wanted and (early := entry.began + least_seconds - time.monotonic()) > 0:
            await asyncio.sleep(early)
        if entry.version < wanted or time.monotonic() - entry.began > most_seconds:
            version, began = feed.version(topic), time.monotonic()
            entry.result = await asyncio.to_thread(read)
            entry.version, entry.began = version, began
    return entry.result


def _reading(name: str) -> _Reading:
    """The one of that name, the newest of all from now on; of too many the one that was longest not asked for goes."""
    entry = _readings[name] = _readings.pop(name, None) or _Reading()
    if len(_readings) > _MOST_READINGS:
        del _readings[next(iter(_readings))]
    return entry
