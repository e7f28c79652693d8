"""Redis as a second way to call the workers, for where LISTEN delivers nothing; Postgres stays the truth.

Nothing is kept there: a call that is lost, doubled or late costs a moment at most, as every job is a row that polling
finds. Whatever befalls Redis is said once, until it is well again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from cursor_monitor.store import database
from cursor_monitor.store.herald import Crier

log = logging.getLogger(__name__)

CHANNEL = "cursor-monitor:jobs"
CONNECTED = "connected"
_PATIENCE_SECONDS = 1.0  # for one answer
_REST_SECONDS = 5.0  # before somebody who did not answer is asked again
_RETRY_SECONDS = (0.2, 1.0, 5.0)
_QUIET_SECONDS = 5.0  # without a word, after which the other side is asked whether it is there


class Bell(Crier):
    """Carries calls by Redis where it is configured, and hears them."""

    def __init__(self) -> None:
        super().__init__("bell")
        self._url: str | None = None
        self._client: Any = None
        self._asked_again_at = 0.0
        self._ill_in: set[str] = set()  # carrying or hearing; two ways to find out, said once
        self.is_heard: bool | None = None  # whether calls come in here; None where nobody listens

    def open(self, url: str | None) -> None:
        """Use this Redis from now on, or none; connects only when first used."""
        self.close()
        self._url, self._asked_again_at, self._ill_in, self.is_heard = url, 0.0, set(), None

    def call(self, word: str) -> None:
        """Have all workers that hear Redis hear this word soon."""
        if self._url is not None:
            super().call(word)

    async def hear(self, on_word: Callable[[str], None]) -> None:
        """Hear calls for ever, the first word of each connection being CONNECTED; returns where there is no Redis."""
        failures = 0
        while self._url is not None:
            try:
                async for word in _words(self._url):
                    if word == CONNECTED:
                        failures, self.is_heard, self._asked_again_at = 0, True, 0.0
                        self._well("hearing", "carrying")  # whoever took a new connection will take a call
                    on_word(word)
            except Exception as error:  # whatever it is, it must not end the worker
                self.is_heard = False
                self._ill("hearing", error)
            await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
            failures += 1

    def _carry(self, words: list[str]) -> None:
        if time.monotonic() < self._asked_again_at:
            return
        try:
            if self._client is None:
                self._client = _client(str(self._url))
            for word in words:
                self._client.publish(CHANNEL, word)
            self._well("carrying")
        except Exception as error:
            self._asked_again_at = time.monotonic() + _REST_SECONDS
            self._ill("carrying", error)
            self._end()

    def _end(self) -> None:
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()
            self._client = None

    def _ill(self, part: str, error: Exception) -> None:
        if not self._ill_in:
            reason = type(error).__name__
            log.warning("Redis does not carry calls; work is found through Postgres", extra={"reason": reason})
        self._ill_in.add(part)

    def _well(self, *parts: str) -> None:
        was_ill = bool(self._ill_in)
        self._ill_in -= set(parts)
        if was_ill and not self._ill_in:
            log.info("Redis carries calls again")


def _client(url: str) -> Any:
    import redis  # not needed by most, and not small
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Without a retry of its own: a call that does not get through at once is not worth waiting for.
    return redis.Redis.from_url(
        url,
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


async def _words(url: str) -> AsyncIterator[str]:
    """What is called, as it comes; raises once the other side is gone or stops answering."""
    import redis.asyncio
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client = redis.asyncio.Redis.from_url(
        url,
        socket_connect_timeout=_PATIENCE_SECONDS,
        socket_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    async with client, client.pubsub() as ear:
        await asyncio.wait_for(ear.subscribe(CHANNEL), _PATIENCE_SECONDS)
        yield CONNECTED
        while True:
            message = await ear.get_message(ignore_subscribe_messages=True, timeout=_QUIET_SECONDS)
            if message is not None and message["type"] == "message":
                yield str(message["data"])
            elif message is None:
                await _ask(ear)


async def _ask(ear: Any) -> None:
    await asyncio.wait_for(ear.ping(), _PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = await ear.get_message(timeout=_PATIENCE_SECONDS)
        if answer is not None and answer["type"] == "pong":
            return
    raise TimeoutError


bell = Bell()
database.at_close(bell.close)
