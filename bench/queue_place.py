"""A Postgres of its own for measuring the outbox, and the worker processes on it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from bench import stack
from cursor_monitor.runtime.children import dies_with_parent
from cursor_monitor.store import schema
from cursor_monitor.store.database import close_database, open_database
from cursor_monitor.store.embedded import EmbeddedPostgres

PATIENCE_SECONDS = 60.0
FILL: LiteralString = """
INSERT INTO orchestration_outbox_live (kind, ready_seq)
SELECT %s, nextval('ready_seq') FROM generate_series(1, %s)
"""


class Place:
    """The database, asked directly, and what is run on it."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.url = server.url
        self.connection = psycopg.connect(server.url, autocommit=True)

    def ask(self, query: LiteralString, values: Sequence[Any] = ()) -> Any:
        """Run a statement; the first value of its first row, if it has one."""
        cursor = self.connection.execute(query, values or None)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def empty(self) -> None:
        """No jobs, today's partition, no leftovers of an earlier measurement."""
        self.ask("TRUNCATE orchestration_outbox_live, orchestration_outbox_dead")
        self.ask("SELECT outbox_add_day((now() AT TIME ZONE 'UTC')::date)")

    def fill(self, kind: str, jobs: int) -> None:
        """So many jobs that are due, in one transaction."""
        self.ask(FILL, (kind, jobs))
        self.ask("VACUUM ANALYZE orchestration_outbox_live")
        self.ask("CHECKPOINT")

    def wait_until(self, query: LiteralString, values: Sequence[Any] = (), pause: float = 0.02) -> None:
        """Return once the query gives something true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.ask(query, values):
            if time.monotonic() > deadline:
                raise RuntimeError(f"never came true: {query}")
            time.sleep(pause)

    @contextlib.contextmanager
    def worker(self, concurrency: int) -> Iterator[subprocess.Popen[str]]:
        """The product's worker with handlers that do nothing."""
        with process(
            "bench.queue_worker",
            DATABASE_URL=self.url,
            CURSOR_API_URL="http://127.0.0.1:9",
            WORKER_CONCURRENCY=str(concurrency),
        ) as running:
            yield running

    @contextlib.contextmanager
    def workers(self, count: int, concurrency: int) -> Iterator[None]:
        """So many of them at once."""
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(self.worker(concurrency))
            yield


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A Postgres with the durable settings it comes with, and the schema."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "pg", {"max_connections": "100"})
        server.start()
        try:
            schema.migrate(server.url)
            open_database(server.url, pool_size=40)
            made = Place(server)
            yield made
            made.connection.close()
        finally:
            close_database()
            server.stop()


@contextlib.contextmanager
def process(module: str, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process of this tree, killed at the end."""
    running = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=stack.ROOT,
        env=os.environ | dict.fromkeys(stack.FOREIGN, "") | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=dies_with_parent(),
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()
