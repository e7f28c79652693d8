"""PgQueuer over asyncpg and uvloop, as its own command line runs, in batches of 1,000."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer, Queries
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

from bench.queue_peers.contest import main


class Peer:
    """Deletes what has ended and keeps a log of it."""

    async def open(self, url: str) -> None:
        """Connect."""
        self.url = url
        self.connection = await asyncpg.connect(url)
        self.queries = Queries(AsyncpgDriver(self.connection))

    async def install(self) -> None:
        """Make its tables."""
        await self.queries.install()

    async def put(self, number: int) -> None:
        """Enqueue one."""
        await self.queries.enqueue("tell", str(number).encode())

    async def put_many(self, count: int) -> None:
        """Enqueue many with one statement."""
        await self.queries.enqueue(["tell"] * count, [b"0"] * count, [0] * count)

    async def work(self, on_job: Callable[[int], None]) -> None:
        """Work until cancelled."""
        queue = PgQueuer.from_asyncpg_connection(await asyncpg.connect(self.url))

        @queue.entrypoint("tell")
        async def tell(job: Any) -> None:
            on_job(int(job.payload))

        await queue.run(batch_size=1000)

    async def left(self) -> int:
        """What has not ended."""
        return await self.connection.fetchval("SELECT count(*) FROM pgqueuer")


if __name__ == "__main__":
    main(Peer(), uvloop.run)
