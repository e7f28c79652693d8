"""The claim loop: settle what is done and claim what is due in one transaction, run it, drain on demand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence

from sqlmodel import Session

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.jobs import ClaimedJob
from cursor_monitor.store import claims, jobs, leases
from cursor_monitor.store.database import transactional
from cursor_monitor.store.jobs import Settlement
from worker.executor import execute
from worker.handlers import Handlers
from worker.wakeup import Wakeup

log = logging.getLogger(__name__)

_OUTAGE_SECONDS = 1.0
_BULK_SHARE = 4  # one slot in so many may do bulk work


class Runner:
    """Up to `concurrency` jobs at once, each under a lease of this worker's name."""

    def __init__(
        self,
        instance: str,
        handlers: Handlers,
        wakeup: Wakeup,
        *,
        concurrency: int,
        lease_seconds: float,
        poll_seconds: float,
        on_done: Callable[[], None] = lambda: None,
    ) -> None:
        self._instance = instance
        self._handlers = handlers
        self._wakeup = wakeup
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._on_done = on_done
        self._running: dict[int, tuple[ClaimedJob, asyncio.Task[None]]] = {}
        self._settlements: list[Settlement] = []
        self._marks = claims.Marks()
        self._is_draining = False
        self.settled_count = 0

    @property
    def running_count(self) -> int:
        """Jobs under way."""
        return len(self._running)

    def drain(self) -> None:
        """Claim nothing more; run() returns once what is under way has ended."""
        self._is_draining = True
        self._wakeup.set()

    async def run(self) -> None:
        """Work until drained."""
        is_out = False
        while not (self._is_draining and not self._running and not self._settlements):
            try:
                pause = await self._step()
                is_out = False
            except Unavailable:
                if not is_out:
                    log.warning("the database is out; waiting for it")
                is_out = True
                pause = _OUTAGE_SECONDS
                if self._is_draining and not self._running:
                    return
            await self._wakeup.wait(pause)

    async def _step(self) -> float:
        """Settle, claim and start; returns the seconds to wait where nothing wakes us."""
        settlements, self._settlements = self._settlements, []
        room = 0 if self._is_draining else self._concurrency - len(self._running)
        try:
            claimed, pause = await asyncio.to_thread(self._exchange, settlements, room)
        except BaseException:
            self._settlements = settlements + self._settlements
            raise
        self.settled_count += len(settlements)
        for job in claimed:
            task = asyncio.create_task(self._work(job), name=f"{job.kind}:{job.id}")
            self._running[job.lease_token] = (job, task)
        return pause

    def _exchange(self, settlements: Sequence[Settlement], room: int) -> tuple[list[ClaimedJob], float]:
        return transactional(self._settle_and_claim)(settlements, room)

    def _settle_and_claim(
        self, session: Session, settlements: Sequence[Settlement], room: int
    ) -> tuple[list[ClaimedJob], float]:
        kinds = tuple(self._handlers)
        jobs.settle(session, settlements)
        if room <= 0:
            return [], self._poll_seconds
        claimed = claims.claim(
            session,
            worker=self._instance,
            kinds=kinds,
            room=room,
            lease_seconds=self._lease_seconds,
            holder=self._wakeup.holder,
            bulk_room=self._bulk_room(),
            marks=self._marks,
        )
        return claimed, self._pause(session, kinds) if len(claimed) < room else self._poll_seconds

    def _bulk_room(self) -> int:
        bulk = sum(job.is_bulk for job, _ in list(self._running.values()))
        return max(0, max(1, self._concurrency // _BULK_SHARE) - bulk)

    def _pause(self, session: Session, kinds: Sequence[str]) -> float:
        due = claims.seconds_to_next(session, kinds, is_sweep=self._marks.is_sweep)
        waits = (self._poll_seconds, due, self._marks.seconds_to_sweep)
        return max(0.0, min(wait for wait in waits if wait is not None))

    async def _work(self, job: ClaimedJob) -> None:
        try:
            settlement = await execute(job, self._handlers, random.random)
            if settlement is not None:
                self._settlements.append(settlement)
        finally:
            self._running.pop(job.lease_token, None)
            self._wakeup.set()
            self._on_done()

    def extend_leases(self) -> set[int]:
        """Renew the leases of what is under way; returns the tokens of those that are lost. Called off the event loop.

        Only these: a job that is leased to us but not under way is to be rescued, not kept for ever.
        """
        tokens = set(self._running)
        if not tokens:
            return set()
        holder = self._wakeup.holder
        return tokens - transactional(leases.extend)(tokens, lease_seconds=self._lease_seconds, holder=holder)

    def abandon(self, tokens: set[int]) -> None:
        """Stop what still runs under these leases."""
        for token in tokens & self._running.keys():
            self._running[token][1].cancel()

    async def hand_back(self) -> None:
        """Stop what is still running and return its jobs at once, for other workers."""
        left = list(self._running.values())
        for _, task in left:
            task.cancel()
        await asyncio.gather(*(task for _, task in left), return_exceptions=True)
        returned = [Settlement(job, "pending", error="handed back by a worker that stopped") for job, _ in left]
        settlements, self._settlements = [*self._settlements, *returned], []
        # Without the database nothing can be handed back; the leases run out by themselves.
        with contextlib.suppress(Unavailable):
            await asyncio.to_thread(self._exchange, settlements, 0)
