"""awa, whose core is in Rust, with 1,024 jobs at once and COPY to enqueue many."""

# pyright: reportMissingImports=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import awa

from bench.queue_peers.contest import main


@dataclass
class Tell:
    """A job that says its number."""

    n: int


class Peer:
    """Claims and completes in batches, with a lease for each."""

    async def open(self, url: str) -> None:
        """Connect."""
        self.client = awa.AsyncClient(url.replace("@/", "@localhost/"), max_connections=20)

    async def install(self) -> None:
        """Make its tables."""
        await self.client.migrate()
        await self.client.install_queue_storage(schema="awa")

    async def put(self, number: int) -> None:
        """Enqueue one."""
        await self.client.insert(Tell(number), queue="bench")

    async def put_many(self, count: int) -> None:
        """Enqueue many by COPY."""
        await self.client.enqueue_many_copy([Tell(0)] * count, queue="bench")

    async def work(self, on_job: Callable[[int], None]) -> None:
        """Work until cancelled."""

        @self.client.task(Tell, queue="bench")
        async def tell(job: Any) -> None:
            on_job(job.args.n)

        await self.client.start([("bench", 1024)], queue_storage_schema="awa")
        await asyncio.Event().wait()

    async def left(self) -> int:
        """What has not ended, as its worker knows: to count in its tables takes longer than the work."""
        return (await self.client.health_check()).queues["bench"].in_flight


if __name__ == "__main__":
    main(Peer())
