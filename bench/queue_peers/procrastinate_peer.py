"""procrastinate over psycopg, with twenty jobs at once and what succeeded deleted: the quickest of its settings."""

# pyright: reportMissingImports=false, reportFunctionMemberAccess=false
from __future__ import annotations

from collections.abc import Callable

import procrastinate

from bench.queue_peers.contest import main


class Peer:
    """Fetches one job with each call."""

    async def open(self, url: str) -> None:
        """Connect."""
        self.on_job: Callable[[int], None] = lambda number: None
        self.app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=4, max_size=20))

        @self.app.task(name="tell")
        async def tell(n: int) -> None:
            self.on_job(n)

        self.tell = tell
        await self.app.open_async()

    async def install(self) -> None:
        """Make its tables."""
        await self.app.schema_manager.apply_schema_async()

    async def put(self, number: int) -> None:
        """Enqueue one."""
        await self.tell.defer_async(n=number)

    async def put_many(self, count: int) -> None:
        """Enqueue many with one statement."""
        await self.tell.batch_defer_async(*({"n": 0} for _ in range(count)))

    async def work(self, on_job: Callable[[int], None]) -> None:
        """Work until cancelled."""
        self.on_job = on_job
        await self.app.run_worker_async(concurrency=20, delete_jobs="successful", install_signal_handlers=False)

    async def left(self) -> int:
        """What has not ended."""
        query = "SELECT count(*) AS n FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        return (await self.app.connector.execute_query_one_async(query))["n"]


if __name__ == "__main__":
    main(Peer())
