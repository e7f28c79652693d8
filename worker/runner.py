"""The claim loop: settle what is done and claim what is due in one transaction, run it, drain on demand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.jobs import ClaimedJob
from cursor_monitor.store import leases
from cursor_monitor.store.claims import Wish
from cursor_monitor.store.database import transactional
from cursor_monitor.store.exchange import Exchange, Exchanged, Look
from cursor_monitor.store.jobs import Settlement
from worker.executor import end_late, execute, outcome_of
from worker.handlers import Handlers
from worker.tally import Tally
from worker.wakeup import Wakeup

log = logging.getLogger(__name__)

_OUTAGE_SECONDS = 1.0
_GRACE_SECONDS = 10.0
_FRESH_SECONDS = 4.0  # somebody looks every three seconds
_LATE_SECONDS = 0.25
_BULK_SHARE = 4  # one slot in so many may do bulk work


@dataclass(slots=True)
class _Running:
    job: ClaimedJob
    task: asyncio.Task[None]
    ends_at: float  # on the monotonic clock
    is_late: bool = False


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
        self.kinds = tuple(handlers)
        self._wakeup = wakeup
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._on_done = on_done
        self._running: dict[int, _Running] = {}
        self._settlements: list[Settlement] = []
        self._exchange = Exchange()
        # A thread of its own: handlers that fill the others must not keep what is done from being settled.
        self._thread = ThreadPoolExecutor(1, "exchange")
        self._timer: asyncio.TimerHandle | None = None
        self._is_draining = False
        self._seen: tuple[float, Look] | None = None
        self.settled_count = 0
        self.tally = Tally()
        self.busy_at = float("-inf")  # when somebody had work last, by the monotonic clock

    @property
    def running_count(self) -> int:
        """Jobs under way."""
        return len(self._running)

    def look(self) -> Future[Look]:
        """See what there is to do, from any thread; nothing is taken."""
        return self._thread.submit(self._look)

    @property
    def seen(self) -> tuple[float, Look] | None:
        """What was seen last, and how many seconds ago; None where that is too long ago to go by."""
        if self._seen is None or (age := time.monotonic() - self._seen[0]) > _FRESH_SECONDS:
            return None
        return age, self._seen[1]

    def _look(self) -> Look:
        began = time.monotonic()
        look = self._exchange.look(self.kinds)
        self._seen = began, look
        return look

    def drain(self) -> None:
        """Claim nothing more; run() returns once what is under way has ended."""
        self._is_draining = True
        self._wakeup.set()

    async def run(self) -> None:
        """Work until drained."""
        is_out, was_woken = False, True
        while not (self._is_draining and not self._running and not self._settlements):
            try:
                pause = await self._step(was_woken)
                is_out = False
            except Unavailable as error:
                if not is_out:
                    log.warning("the database is out; waiting for it", extra={"reason": error.message})
                is_out = True
                pause = _OUTAGE_SECONDS
                if self._is_draining and not self._running:
                    return
            if was_woken := await self._wakeup.wait(pause):
                self.busy_at = time.monotonic()
            was_woken = was_woken or pause < self._poll_seconds

    async def _step(self, was_woken: bool) -> float:
        """Settle, claim and start; returns the seconds to wait where nothing wakes us."""
        if not was_woken and not self._running and not self._settlements:
            age, look = self.seen or (0.0, await asyncio.wrap_future(self.look()))
            due = None if look.next_due is None else look.next_due - age
            if due is None or due > 0:
                return self._poll_seconds if due is None else min(self._poll_seconds, due)
        wish = self._wish()
        settlements, self._settlements = self._settlements, []
        if wish is None and not settlements:
            return self._poll_seconds
        try:
            exchanged = await self._trade(settlements, wish)
        except BaseException:
            self._settlements = settlements + self._settlements
            raise
        self.settled_count += len(settlements)
        self._start(exchanged.claimed)
        if wish is not None and len(exchanged.claimed) == wish.room:
            return 0.0  # there may be more, and the next claim travels while these jobs are worked on
        due = exchanged.next_due
        return self._poll_seconds if due is None else max(0.0, min(self._poll_seconds, due))

    def _wish(self) -> Wish | None:
        """What to claim: at most half of the slots at once, so that one half is claimed while the other is at work."""
        room = min(self._concurrency - len(self._running), (self._concurrency + 1) // 2)
        if self._is_draining or room <= 0:
            return None
        bulk = sum(running.job.is_bulk for running in self._running.values())
        bulk_room = max(0, max(1, self._concurrency // _BULK_SHARE) - bulk)
        holder = self._wakeup.holder
        return Wish(self._instance, self.kinds, room, self._lease_seconds, holder, bulk_room)

    def _start(self, claimed: Sequence[ClaimedJob]) -> None:
        now = time.monotonic()
        for job in claimed:
            task = asyncio.create_task(self._work(job))
            ends_at = now + self._handlers[job.kind].deadline_seconds
            self._running[job.lease_token] = _Running(job, task, ends_at)
        if claimed and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LATE_SECONDS, self._stop_late)

    def _stop_late(self) -> None:
        """Stop what is past its deadline; one timer for all, as one for each costs more than a short job itself."""
        now = time.monotonic()
        for running in self._running.values():
            if now >= running.ends_at and not running.is_late:
                running.is_late = True
                running.task.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_LATE_SECONDS, self._stop_late) if self._running else None

    async def _trade(self, settlements: Sequence[Settlement], wish: Wish | None) -> Exchanged:
        is_direct = self._wakeup.mode == "listen"
        work = partial(self._exchange.run, settlements, wish, is_direct=is_direct)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _work(self, job: ClaimedJob) -> None:
        began = time.monotonic()
        try:
            try:
                settlement = await execute(job, self._handlers, random.random)
            except asyncio.CancelledError:
                if not self._is_only_late(job):
                    raise
                settlement = await end_late(job, self._handlers, random.random)
            if isinstance(settlement, Settlement):
                self._settlements.append(settlement)
            self.tally.add(job, outcome_of(settlement), time.monotonic() - began)
        finally:
            self._running.pop(job.lease_token, None)
            self._wakeup.set()
            self._on_done()

    def _is_only_late(self, job: ClaimedJob) -> bool:
        """True where this task was cancelled for its deadline, and not also because its lease is lost or we stop."""
        running = self._running[job.lease_token]
        return running.is_late and running.task.uncancel() == 0

    def extend_leases(self) -> set[int]:
        """Renew the leases of what is under way; returns the tokens of those that are lost. Called off the event loop.

        Only these, and only as long as their handlers may take: a job that is leased to us but not under way, or that
        hangs past its deadline with the whole loop, is to be rescued, not kept for ever.
        """
        now = time.monotonic()
        tokens = {token for token, running in list(self._running.items()) if now < running.ends_at + _GRACE_SECONDS}
        if not tokens:
            return set()
        holder = self._wakeup.holder
        return tokens - transactional(leases.extend)(tokens, lease_seconds=self._lease_seconds, holder=holder)

    def abandon(self, tokens: set[int]) -> None:
        """Stop what still runs under these leases."""
        for token in tokens & self._running.keys():
            self._running[token].task.cancel()

    async def hand_back(self) -> None:
        """Stop what is still running and return its jobs at once, for other workers."""
        left = list(self._running.values())
        for running in left:
            running.task.cancel()
        await asyncio.gather(*(running.task for running in left), return_exceptions=True)
        returned = [
            Settlement(running.job, "pending", error="handed back by a worker that stopped") for running in left
        ]
        settlements, self._settlements = [*self._settlements, *returned], []
        # Without the database nothing can be handed back; the leases run out by themselves.
        with contextlib.suppress(Unavailable):
            await self._trade(settlements, None)
