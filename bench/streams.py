"""What it costs to write 200 conversations into Postgres while they are said, and whether all of each arrives."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Any, LiteralString

import httpx
import psutil

from bench import stack
from bench.figures import Figure
from bench.idle import MEGABYTE, processor_seconds, resident_bytes
from bench.queue_place import Place, place, process
from cursor_monitor.cursor.client import build_client
from cursor_monitor.cursor.stream import AssistantFrame, Frame, ResultFrame, ThinkingFrame, ToolCallFrame
from cursor_monitor.services import agents

TITLE = "Streaming many runs"
HOW = """\
One worker on an embedded Postgres with its durable settings reads the streams of 200 runs at once, at their real pace,
and writes what is said and done. Processor time and delays are taken while all are open. The delay of a write is from
the moment that the simulator gave to its newest event, which is in the event's id, to the commit, told by a
trigger. At the end each stream is read once more from its beginning, the conversation is worked out from it in the
plainest way, and held against the rows: a run counts as wrong where an entry is missing, double or another."""

RUNS = 200
RUN_SECONDS = 150
KEY = "crsr_bench_0123456789"
PROMPT = f"Keep the dependencies fresh. [[sim:slow:{RUN_SECONDS}]]"
PATIENCE_SECONDS = 300.0
_AT_ONCE = 20
_WRITES: LiteralString = """
CREATE TABLE bench_writes (seconds float8);
CREATE FUNCTION bench_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.last_event_id IS DISTINCT FROM OLD.last_event_id THEN
        INSERT INTO bench_writes
        VALUES (extract(epoch FROM clock_timestamp()) - split_part(NEW.last_event_id, '-', 1)::float8 / 1000);
    END IF;
    RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER bench_write AFTER UPDATE ON run_streams DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION bench_write();
"""
_OPEN: LiteralString = "SELECT count(*) FROM run_streams WHERE state = 'open' AND leased_by IS NOT NULL"
_STORED: LiteralString = """
SELECT position, kind, text FROM agent_messages WHERE run_id = %s
UNION ALL SELECT position, 'tool', call_id FROM agent_tool_events WHERE run_id = %s ORDER BY 1
"""
_Entry = tuple[int, str, str]


def measure() -> list[Figure]:
    """Wrong runs, the delay of writes, processor time and memory."""
    port = str(stack.free_port())
    url = f"http://127.0.0.1:{port}"
    quick = {"CURSOR_API_URL": url, "CURSOR_API_KEY": KEY, "CURSOR_RATE_PER_MINUTE": "1000000", "LOG_LEVEL": "ERROR"}
    with (
        place() as made,
        process("cursor_monitor.simulator", SIMULATOR_PORT=port, SIM_SEED="7", SIM_TIME_SCALE="1"),
    ):
        _wait_for(url)
        made.connection.execute(_WRITES)
        for _ in range(RUNS):
            agents.launch({"prompt": PROMPT, "repository": "acme/web"}, by="bench")
        with process("worker", DATABASE_URL=made.url, **quick) as running:
            return _measured(made, psutil.Process(running.pid), url)


def _measured(made: Place, worker: psutil.Process, url: str) -> list[Figure]:
    _until(made, f"SELECT ({_OPEN}) = {RUNS}")
    made.ask("TRUNCATE bench_writes")  # what came while runs were still being launched
    used, began = processor_seconds(worker), time.monotonic()
    _until(made, "SELECT count(*) > 0 FROM run_streams WHERE state <> 'open'")
    seconds = time.monotonic() - began
    share = 100 * (processor_seconds(worker) - used) / seconds
    memory = resident_bytes(worker) / MEGABYTE
    delays = [float(row[0]) for row in made.connection.execute("SELECT seconds FROM bench_writes")]
    _until(made, f"SELECT count(*) = {RUNS} FROM run_streams WHERE state <> 'open'")
    runs = made.connection.execute("SELECT run_id, agent_id FROM run_streams").fetchall()
    events, wrong = asyncio.run(_compare(made, url, runs))
    facts = {"runs": RUNS, "events": events}
    return [
        Figure("streams_wrong", wrong, "runs", 0, details=facts),
        Figure("streams_delay", _p95(delays), "s p95", 2.0, details={"median s": round(statistics.median(delays), 2)}),
        Figure("streams_cpu", share, "% of a core", 50.0, details={"seconds with all open": round(seconds, 1)}),
        Figure("streams_memory", memory, "MB", 200.0),
    ]


async def _compare(made: Place, url: str, runs: Sequence[tuple[Any, ...]]) -> tuple[int, int]:
    """How many events the streams had in all, and how many runs are not in the rows as they were told."""
    gate = asyncio.Semaphore(_AT_ONCE)
    client = build_client(url, KEY)

    async def told(agent_id: str, run_id: str) -> list[Frame]:
        async with gate:
            frames = [frame async for frame in client.stream_run(agent_id, run_id)]
        return [f for f in frames if isinstance(f, AssistantFrame | ThinkingFrame | ToolCallFrame | ResultFrame)]

    found = await asyncio.gather(*(told(agent_id, run_id) for run_id, agent_id in runs))
    await client.aclose()
    stored = [made.connection.execute(_STORED, (run_id, run_id)).fetchall() for run_id, _ in runs]
    wrong = sum(_expected(frames) != rows for frames, rows in zip(found, stored, strict=True))
    return sum(map(len, found)), wrong


def _expected(frames: Sequence[Frame]) -> list[_Entry]:
    rows: list[_Entry] = [(0, "user", PROMPT)]
    for frame in frames:
        match frame:
            case AssistantFrame(text=text) | ThinkingFrame(text=text):
                kind = "assistant" if isinstance(frame, AssistantFrame) else "thinking"
                if rows[-1][1] == kind:
                    rows[-1] = (rows[-1][0], kind, rows[-1][2] + text)
                else:
                    rows.append((len(rows), kind, text))
            case ToolCallFrame(status="running"):
                rows.append((len(rows), "tool", frame.call_id))
            case _:
                pass
    return rows


def _until(made: Place, query: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not made.ask(query):  # pyright: ignore[reportArgumentType]
        if time.monotonic() > deadline:
            raise RuntimeError(f"never came true: {query}")
        time.sleep(0.2)


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{url}/_sim/health", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the simulator did not start")


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
