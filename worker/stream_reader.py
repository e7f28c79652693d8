"""Follows the stream of one run to its end, through every interruption."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime

from cursor_monitor.cursor.api import CursorApi
from cursor_monitor.cursor.errors import CursorError, Permanent, StreamExpired, StreamUnavailable, Throttled
from cursor_monitor.cursor.stream import DoneFrame
from cursor_monitor.domain.budget import Urgency
from cursor_monitor.domain.conversation import ClaimedStream
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.engine.backoff import delay_seconds
from cursor_monitor.services import streams
from cursor_monitor.services.clients import AccountUnusableError, Clients
from cursor_monitor.services.governor import acting
from cursor_monitor.services.transcript import Transcript

log = logging.getLogger(__name__)

_OUTAGE_SECONDS = 1.0
_MOST_WAITING = 500_000  # characters of one stream; who has more waits until they are written
_MOST_PATIENCE_SECONDS = 10.0  # a longer wait leaves its place to another stream
_REFUSED_SECONDS = 120.0
_MOST_FAILURES = 5  # of a run that has ended


class StreamReader:
    """Follows one stream to its end, through every interruption."""

    def __init__(
        self,
        stream: ClaimedStream,
        clients: Clients,
        opening: asyncio.Semaphore,
        dirty: asyncio.Event,
        random: Callable[[], float],
    ) -> None:
        self.transcript = Transcript(stream)
        self.written = asyncio.Event()
        self._clients = clients
        self._opening = opening
        self._dirty = dirty
        self._random = random
        self.task = asyncio.create_task(self._run(), name=f"stream:{stream.run_id}")

    def stop(self) -> None:
        """Stop reading."""
        self.task.cancel()

    async def _run(self) -> None:
        it = self.transcript
        with acting(Urgency.LISTING):
            while it.state == "open":
                try:
                    await self._follow()
                except AccountUnusableError as error:
                    it.fail(str(error)[:300])
                    seconds = _REFUSED_SECONDS
                except CursorError as error:
                    seconds = await self._after(error)
                except Unavailable:  # not the stream's fault: each request is first counted in the database
                    seconds = _OUTAGE_SECONDS
                except Exception as error:
                    log.exception("a stream cannot be read", extra={"run_id": it.start.run_id})
                    it.fail(type(error).__name__)
                    seconds = _REFUSED_SECONDS
                else:
                    seconds = 0.0
                if it.state == "open" and seconds > _MOST_PATIENCE_SECONDS:
                    it.give_back(seconds, it.error)
                    break
                self._dirty.set()
                await asyncio.sleep(seconds if it.state == "open" else 0)
        self._dirty.set()

    async def _follow(self) -> None:
        it = self.transcript
        api = await self._client()
        frames = api.stream_run(it.start.agent_id, it.start.run_id, it.resume_id)
        async with aclosing(frames):
            async with self._opening:
                frame = await anext(frames)
            while not isinstance(frame, DoneFrame):
                it.take_in(frame, datetime.now(UTC))
                if it.is_changed:
                    self._dirty.set()
                await self._have_room()
                frame = await anext(frames)
        if it.state == "open":
            raise StreamUnavailable("stream_unavailable", "the stream was done without a result")

    async def _client(self) -> CursorApi:
        return await self._clients.client(await self._clients.account_of(self.transcript.start.agent_id))

    async def _have_room(self) -> None:
        while self.transcript.size > _MOST_WAITING:
            self.written.clear()
            await self.written.wait()

    async def _after(self, error: CursorError) -> float:
        """What comes of a failure: the seconds until the next try, or an end."""
        it = self.transcript
        if isinstance(error, Throttled):
            return error.seconds
        if error.code == "invalid_last_event_id" and it.resume_id is not None:
            it.read_anew()
            return 0.0
        it.fail(f"{error.code}: {error.message}"[:300])
        if isinstance(error, StreamExpired):
            return await self._take_the_rest("expired")
        if isinstance(error, Permanent):
            return await self._take_the_rest("unavailable") if error.kind == "gone" else _REFUSED_SECONDS
        if it.failures >= _MOST_FAILURES and await self._is_over():
            return await self._take_the_rest("unavailable")
        return delay_seconds(it.failures, self._random(), error.retry_after)

    async def _take_the_rest(self, state: str) -> float:
        try:
            await streams.take_the_rest(await self._client(), self.transcript, state)
        except Throttled as error:
            return error.seconds
        except AccountUnusableError:
            return _REFUSED_SECONDS
        except Unavailable:
            return _OUTAGE_SECONDS
        return 0.0

    async def _is_over(self) -> bool:
        try:
            return await streams.is_over(self.transcript.start.run_id)
        except Unavailable:
            return False
