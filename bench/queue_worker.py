"""The product's worker as it is, with handlers that do nothing, or wait, or say when they began."""

from __future__ import annotations

import asyncio
import sys
import time

import worker.__main__ as product
from cursor_monitor.domain.jobs import ClaimedJob, Done, Outcome
from worker.handlers import Handler, Handlers

KINDS = ("advance", "observe_agent", "read_agent")


def main() -> int:
    """Run it; the settings come from the environment as always."""
    product.build_handlers = lambda *parts: _handlers()
    return product.main()


def _handlers() -> Handlers:
    nothing, waits, tells = KINDS
    return {nothing: Handler(_nothing), waits: Handler(_wait), tells: Handler(_tell)}


async def _nothing(job: ClaimedJob) -> Outcome:
    return Done()


async def _wait(job: ClaimedJob) -> Outcome:
    await asyncio.sleep(3)
    return Done()


async def _tell(job: ClaimedJob) -> Outcome:
    sys.stdout.write(f"{job.args['n']} {time.time()}\n")
    sys.stdout.flush()
    return Done()


if __name__ == "__main__":
    sys.exit(main())
