"""Reads the streams of running agents, hundreds in one process, and writes all they say in one transaction a moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from cursor_monitor.domain.conversation import StreamWrite
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.services import streams
from cursor_monitor.services.clients import Clients
from worker.stream_reader import StreamReader

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.15
_IDLE_SECONDS = 2.0
_HINTED_SECONDS = 0.3
_OUTAGE_SECONDS = 1.0
_OPENING_AT_ONCE = 4


class Streamer:
    """One task for each stream under this worker's lease, and one that claims, renews and writes for them all."""

    def __init__(
        self,
        instance: str,
        clients: Clients,
        *,
        capacity: int,
        lease_seconds: float,
        holder: Callable[[], int | None],
        is_quiet: Callable[[], bool],
        random: Callable[[], float],
    ) -> None:
        self._instance = instance
        self._clients = clients
        self._capacity = capacity
        self._lease_seconds = lease_seconds
        self._holder = holder
        self._is_quiet = is_quiet  # no stream is open anywhere, as far as was seen
        self._random = random
        self._held: dict[str, StreamReader] = {}
        self._opening = asyncio.Semaphore(_OPENING_AT_ONCE)
        self._dirty = asyncio.Event()
        self._suspects: set[int] = set()
        self._ticked_at = self._renewed_at = 0.0
        self._is_draining = False
        self._is_hinted = False

    @property
    def count(self) -> int:
        """Streams that are read here."""
        return len(self._held)

    def hint(self) -> None:
        """There may be a new run: look for it soon."""
        self._is_hinted = True
        self._dirty.set()

    def drain(self) -> None:
        """Give back every stream, written as far as it was read; run() then returns."""
        self._is_draining = True
        self._dirty.set()

    async def run(self) -> None:
        """Read until drained; without a database, what was read and not written is read again later."""
        if not self._capacity:
            return
        while not self._is_draining:
            try:
                await self._step()
                await self._rest()
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("the streams are left and taken anew")
                await self._let_go()
                await asyncio.sleep(_OUTAGE_SECONDS)
        with contextlib.suppress(Unavailable):
            await self._stop()

    async def _rest(self) -> None:
        """A moment in which what is said gathers; longer while nobody says anything."""
        with contextlib.suppress(TimeoutError):
            left = self._ticked_at + self._tick_seconds - time.monotonic()
            await asyncio.wait_for(self._dirty.wait(), max(left, 0.01))
            self._dirty.clear()
            if not self._is_draining:
                await asyncio.sleep(_FLUSH_SECONDS)

    @property
    def _tick_seconds(self) -> float:
        return _HINTED_SECONDS if self._is_hinted else _IDLE_SECONDS

    async def _step(self) -> None:
        now = time.monotonic()
        if self._held and now - self._renewed_at >= self._lease_seconds / 3:
            await self._renew()
        await self._flush()
        if now - self._ticked_at >= self._tick_seconds:
            was_hinted = self._is_hinted
            self._ticked_at, self._is_hinted = now, False
            if was_hinted or self._held or not self._is_quiet():
                await self._claim()

    async def _claim(self) -> None:
        claimed, self._suspects = await asyncio.to_thread(
            streams.claim_streams,
            worker=self._instance,
            held=list(self._held),
            room=self._capacity - len(self._held),
            lease_seconds=self._lease_seconds,
            holder=self._holder(),
            suspects=self._suspects,
        )
        self._drop({stream.run_id for stream in claimed}, "its lease ran out and was taken anew")
        for stream in claimed:
            self._held[stream.run_id] = StreamReader(stream, self._clients, self._opening, self._dirty, self._random)

    async def _renew(self) -> None:
        held = [reader.transcript.start for reader in self._held.values()]
        self._renewed_at = time.monotonic()
        kept = await asyncio.to_thread(
            streams.renew_streams,
            held,
            worker=self._instance,
            lease_seconds=self._lease_seconds,
            holder=self._holder(),
        )
        self._drop({stream.run_id for stream in held if stream.lease_token not in kept}, "the lease was lost")

    async def _flush(self) -> None:
        writes = [write for reader in self._held.values() if (write := reader.transcript.take()) is not None]
        if not writes:
            return
        writes.sort(key=lambda write: write.run_id)
        written = await self._write(writes)
        self._drop({write.run_id for write in writes} - written, "somebody else writes it")
        for write in writes:
            if write.run_id in written and (write.is_over or write.retry_seconds is not None):
                self._drop({write.run_id})
            elif reader := self._held.get(write.run_id):
                reader.written.set()

    async def _write(self, writes: list[StreamWrite]) -> set[str]:
        try:
            return await asyncio.to_thread(streams.write_streams, writes)
        except Unavailable:
            # Whether it was committed is asked of the revisions, by the same write once more.
            await asyncio.sleep(_OUTAGE_SECONDS)
            return await asyncio.to_thread(streams.write_streams, writes)
        except Exception:
            log.exception("streams cannot be written together")
            return set[str]().union(*[await self._write_alone(write) for write in writes])

    async def _write_alone(self, write: StreamWrite) -> set[str]:
        """What one stream says must not keep the others from being written."""
        try:
            return await asyncio.to_thread(streams.write_streams, [write])
        except Unavailable:
            raise
        except Exception as error:
            log.exception("a stream cannot be written", extra={"run_id": write.run_id})
            await asyncio.to_thread(streams.put_away, write, type(error).__name__)
            return set()

    def _drop(self, run_ids: set[str], reason: str | None = None) -> None:
        for run_id in run_ids & self._held.keys():
            if reason:
                log.info("stream left", extra={"run_id": run_id, "reason": reason})
            self._held.pop(run_id).stop()

    async def _let_go(self) -> None:
        """Forget what was read: it is read again from where the database says, by whoever then has the lease."""
        readers, self._held = list(self._held.values()), {}
        for reader in readers:
            reader.stop()
        await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)

    async def _stop(self) -> None:
        readers = list(self._held.values())
        for reader in readers:
            reader.stop()
        await asyncio.gather(*(reader.task for reader in readers), return_exceptions=True)
        for reader in readers:
            if reader.transcript.state == "open":
                reader.transcript.give_back(0.0)
        await self._flush()
