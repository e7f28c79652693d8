"""Oban for Python on uvloop and orjson, as its own command line runs, with a hundred jobs at once."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import uvloop
from oban import Oban, worker
from oban.schema import install
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from bench.queue_peers.contest import main

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)


class Peer:
    """Fetches as many jobs as there is room, and acknowledges each with a statement of its own."""

    async def open(self, url: str) -> None:
        """Connect."""
        self.on_job: Callable[[int], None] = lambda number: None
        self.pool = AsyncConnectionPool(conninfo=url, min_size=4, max_size=10, open=False)
        await self.pool.open()
        self.client = Oban(pool=self.pool, name="client")

        peer = self

        @worker(queue="default", oban="client")
        class Tell:
            async def process(self, job: Any) -> None:
                peer.on_job(job.args["n"])

        self.job = Tell

    async def install(self) -> None:
        """Make its tables."""
        await install(self.pool)

    async def put(self, number: int) -> None:
        """Enqueue one."""
        await self.client.enqueue(self.job.new({"n": number}))

    async def put_many(self, count: int) -> None:
        """Enqueue many with one call."""
        await self.client.enqueue_many(self.job.new({"n": 0}) for _ in range(count))

    async def work(self, on_job: Callable[[int], None]) -> None:
        """Work until cancelled."""
        self.on_job = on_job
        async with Oban(pool=self.pool, name="server", queues={"default": 100}):
            await asyncio.Event().wait()

    async def left(self) -> int:
        """What has not ended."""
        async with self.pool.connection() as connection:
            found = await connection.execute("SELECT count(*) FROM oban_jobs WHERE state IN ('available', 'executing')")
            return (await found.fetchall())[0][0]


if __name__ == "__main__":
    main(Peer(), uvloop.run)
