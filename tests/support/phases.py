"""The product's worker as a process whose one handler leaves an effect, and dies by SIGKILL in the phase it is told."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import Any

import worker.__main__ as product
from cursor_monitor.domain.jobs import ClaimedJob, Done, Outcome
from cursor_monitor.store import database
from cursor_monitor.store.exchange import Exchange
from worker.handlers import Handler

PHASE = os.environ["TEST_PHASE"]
SLOW_SECONDS = 1.6  # longer than the shortest lease


def die_in(phase: str) -> None:
    """Die here, if this is the phase."""
    if phase == PHASE:
        os.kill(os.getpid(), signal.SIGKILL)


async def _work(job: ClaimedJob) -> Outcome:
    die_in("in the handler")
    if PHASE == "hang":
        await _hang()
    with database.connect() as connection:
        connection.execute("INSERT INTO effects VALUES (%s)", (job.attempt,))
    die_in("after the effect")
    if PHASE == "late":
        os.kill(os.getpid(), signal.SIGSTOP)
        logging.warning("handler returns late")
    if PHASE == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    return Done()


async def _hang() -> None:
    logging.warning("handler hangs")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        logging.warning("handler was told")
        raise


def _watched(run: Any) -> Any:
    def exchange(self: Exchange, settlements: Any, wish: Any, *, is_direct: bool) -> Any:
        if wish is not None and not settlements:
            die_in("before claim")
        if settlements:
            die_in("before completion")
        exchanged = run(self, settlements, wish, is_direct=is_direct)
        if exchanged.claimed:
            die_in("after claim")
        return exchanged

    return exchange


def main() -> int:
    """The worker, but for its handlers."""
    Exchange.run = _watched(Exchange.run)
    product.build_handlers = lambda *parts: {"advance": Handler(_work)}
    return product.main()


if __name__ == "__main__":
    sys.exit(main())
