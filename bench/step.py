"""What one step of an orchestration takes, from its claim to its commit, in an empty database and in a full one."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from bench import filled, stack
from bench.figures import Figure
from bench.queue_place import process
from cursor_monitor.services import orchestrations
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import schema
from cursor_monitor.store.embedded import EmbeddedPostgres

TITLE = "A step of an orchestration"
HOW = """\
Two databases of one Postgres with the durable settings it comes with, each with a worker of the product and both with
the simulator. One is empty, the other full: 100,000 orchestrations, 10,000 agents, 5 million events (`BENCH_EVENTS`
scales it). By turns batches of five tasks are launched in the one and in the other, a few a second, as people and
schedules do. Taken are the `advance` jobs that decided something, which here is the largest step there is: make the
plan, start, request five agents, write the events, rows and jobs of all that. The clock starts when the worker's claim
takes the job's row, by the clock of the database, and stops at the commit that completes the job
(`pg_xact_commit_timestamp`), which is after that of the decision."""

EMPTY, FULL = "empty", "full"
ROUNDS, LAUNCHES, EVERY_SECONDS = 5, 80, 0.25
WARM_UP = 20
REPOSITORY = "https://github.com/acme/step"
PROMPT = "Bring the dependencies up to date."
SETTINGS = {"max_connections": "100", "track_commit_timestamp": "on"}
STEPS: LiteralString = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(j.xmin) - j.claimed_at)::float8 * 1000
FROM orchestration_outbox_jobs j JOIN orchestrations o ON o.id = j.orchestration_id
WHERE j.kind = 'advance' AND j.status = 'completed' AND o.repository = %s AND o.name = %s
  AND EXISTS (SELECT 1 FROM orchestration_events e WHERE e.orchestration_id = o.id AND e.type = 'AttemptRequested'
              AND e.created_at BETWEEN j.claimed_at AND j.finished_at)
"""
BUSY: LiteralString = """
SELECT count(*) FROM orchestration_outbox_live WHERE kind IN ('launch_agent', 'send_followup') OR status = 'processing'
   OR (kind IN ('advance', 'observe_agent') AND next_run_at < now() + interval '5 s')
"""


def measure() -> list[Figure]:
    """The slowest of the best 95 of 100 steps, in both."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "pg", SETTINGS)
        server.start()
        try:
            urls = {name: _database(server.url, name) for name in (EMPTY, FULL)}
            had = filled.fill(urls[FULL])
            with _workers(Path(folder), urls):
                taken = _measured(urls)
        finally:
            server.stop()
    empty, full = (_p95(taken[name]) for name in (EMPTY, FULL))
    details = {
        "steps": len(taken[FULL]),
        "median_ms": round(statistics.median(taken[FULL]), 2),
        "median_ms empty": round(statistics.median(taken[EMPTY]), 2),
        "orchestrations": had.orchestrations,
        "events": had.events,
    }
    return [Figure("step", full, "ms p95", 25.0, peers={"empty database": empty}, goal=1.2, details=details)]


def _measured(urls: dict[str, str]) -> dict[str, list[float]]:
    """Rounds by turns, so that whatever else the machine does strikes both alike; a first one only warms up."""
    for name in urls:
        _launch(urls[name], "warm-up", WARM_UP)
    for number in range(ROUNDS):
        for name in (EMPTY, FULL) if number % 2 else (FULL, EMPTY):
            _launch(urls[name], "measured", LAUNCHES)
    found: dict[str, list[float]] = {}
    for name, url in urls.items():
        with psycopg.connect(url) as database:
            found[name] = [row[0] for row in database.execute(STEPS, (REPOSITORY, "measured"))]
        if len(found[name]) < ROUNDS * LAUNCHES * 0.9:
            raise RuntimeError(f"of {ROUNDS * LAUNCHES} steps in the {name} database {len(found[name])} were seen")
    return found


def _launch(url: str, name: str, count: int) -> None:
    """Launch so many, one after the other, and wait until their agents are done."""
    tasks = [{"key": f"t{n}", "prompt": f"{PROMPT} Part {n}."} for n in range(5)]
    fields = {"name": name, "prompt": PROMPT, "repository": REPOSITORY, "mode": "BATCH", "tasks": tasks}
    open_all(Settings(database_url=url))
    try:
        for _ in range(count):
            orchestrations.launch(fields | {"options": {"max_parallel_agents": 5}}, by="bench")
            time.sleep(EVERY_SECONDS)
    finally:
        close_all()
    _wait_until_quiet(url)


def _wait_until_quiet(url: str, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    with psycopg.connect(url, autocommit=True) as database:
        while (row := database.execute(BUSY).fetchone()) and row[0]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{row[0]} jobs are still under way")
            time.sleep(0.2)


@contextlib.contextmanager
def _workers(folder: Path, urls: dict[str, str]) -> Iterator[None]:
    """A worker on each database, and the simulator they call."""
    port = stack.free_port()
    with contextlib.ExitStack() as parts:
        play = {"SIMULATOR_PORT": str(port), "SIM_SEED": "7", "SIM_TIME_SCALE": "0.05"}
        parts.enter_context(process("cursor_monitor.simulator", **play))
        for name, url in urls.items():
            environ = {
                "DATABASE_URL": url,
                "DATA_DIR": str(folder / name),
                "CURSOR_API_URL": f"http://127.0.0.1:{port}",
                "CURSOR_RATE_PER_MINUTE": "1000000",
            }
            parts.enter_context(process("worker", **environ))
        yield


def _database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    made = url.replace("/postgres?", f"/{name}?")
    schema.migrate(made)
    return made


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
