"""What every peer is asked to do; nothing but the standard library, so that it runs in each one's environment."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol


class Peer(Protocol):
    """A queue with a job that does nothing but say its number."""

    async def open(self, url: str) -> None:
        """Connect."""
        ...

    async def install(self) -> None:
        """Make its tables."""
        ...

    async def put(self, number: int) -> None:
        """Enqueue one job, durably."""
        ...

    async def put_many(self, count: int) -> None:
        """Enqueue so many with one call, the quickest there is."""
        ...

    async def work(self, on_job: Callable[[int], None]) -> None:
        """Work until cancelled."""
        ...

    async def left(self) -> int:
        """How many jobs have not ended."""
        ...


def main(peer: Peer, run: Callable[[Any], Any] = asyncio.run) -> None:
    """`URL command [count]`: do it, and print the number that was asked for."""
    url, command, *rest = sys.argv[1:]
    run(_obey(peer, url, command, *(int(word) for word in rest)))


async def _obey(peer: Peer, url: str, command: str, *values: int) -> None:
    await peer.open(url)
    await {"install": _install, "each": _each, "many": _many, "drain": _drain, "work": _work, "tell": _tell}[command](
        peer, *values
    )
    sys.stdout.flush()


async def _install(peer: Peer) -> None:
    await peer.install()


async def _each(peer: Peer, count: int) -> None:
    """Jobs a second, one after the other."""
    began = time.monotonic()
    for number in range(count):
        await peer.put(number)
    print(count / (time.monotonic() - began))


async def _many(peer: Peer, count: int) -> None:
    """Jobs a second, a thousand with each call."""
    began = time.monotonic()
    for _ in range(0, count, 1000):
        await peer.put_many(1000)
    print(count / (time.monotonic() - began))


async def _drain(peer: Peer, count: int) -> None:
    """Jobs a second, from the first handler's first line until the database knows that all have ended."""
    began, seen, is_over = 0.0, 0, asyncio.Event()

    def on_job(number: int) -> None:
        nonlocal began, seen
        began = began or time.monotonic()
        seen += 1
        if seen >= count:
            is_over.set()

    working = asyncio.create_task(peer.work(on_job))
    ending = asyncio.create_task(is_over.wait())
    await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        working.result()
        raise RuntimeError("the worker ended before its work")
    while await peer.left():  # noqa: ASYNC110 - only the database knows, and it has to be asked
        await asyncio.sleep(0.005)
    print(count / (time.monotonic() - began), flush=True)
    working.cancel()


async def _work(peer: Peer) -> None:
    """Say when each job began, until killed."""

    def on_job(number: int) -> None:
        sys.stdout.write(f"{number} {time.time()}\n")
        sys.stdout.flush()

    await peer.work(on_job)


async def _tell(peer: Peer) -> None:
    """Enqueue each number that comes in, and say when that was begun."""
    loop = asyncio.get_running_loop()
    print("ready", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        began = time.time()
        await peer.put(int(line))
        print(began, flush=True)
