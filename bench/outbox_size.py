"""What more of something does to the drain: more workers, a history of millions, an old snapshot."""

from __future__ import annotations

import os
import time
from typing import LiteralString

import psycopg

from bench.figures import Figure
from bench.outbox_drain import LIVE, NOTHING, SLOTS, best, drained
from bench.queue_place import Place

FINISHED = int(os.environ.get("BENCH_FINISHED_JOBS", "10000000"))
HELD_SECONDS, FREE_SECONDS = 20, 8
FILL_HISTORY: LiteralString = """
INSERT INTO orchestration_outbox_history (id, kind, status, finished_at)
SELECT nextval('orchestration_outbox_ids'), 'finished', 'completed', now() FROM generate_series(1, %s)
"""
FILL_MORE: LiteralString = """
INSERT INTO orchestration_outbox_live (kind, ready_seq)
SELECT 'advance', nextval('ready_seq') FROM generate_series(1, 5000)
"""
AT_WORK: LiteralString = "SELECT EXISTS (SELECT 1 FROM orchestration_outbox_history WHERE finished_at > %s)"
ENDED: LiteralString = """
SELECT count(*) FROM orchestration_outbox_history WHERE finished_at > clock_timestamp() - %s * interval '1 s'
"""


def measure_held(at: Place) -> list[Figure]:
    """The queue kept filled, while somebody else's transaction holds an old snapshot and while nobody's does."""

    def held() -> float:
        with psycopg.connect(at.url) as forgotten:
            forgotten.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            forgotten.execute("SELECT count(*) FROM pg_class")
            return _closed_loop(at, HELD_SECONDS)

    ours, free = best(held, lambda: _closed_loop(at, FREE_SECONDS), rounds=2)
    peers = {"without the snapshot": free}
    told = {
        "seconds": HELD_SECONDS,
        "work": "jobs enqueued by the thousand while the worker drains; over the last third",
    }
    return [Figure("outbox_held_snapshot", ours, "1/s", peers=peers, goal=0.8, lower_is_better=False, details=told)]


def _closed_loop(at: Place, seconds: float) -> float:
    """Jobs a second that went through in the last third, with the queue kept filled."""
    at.empty()
    began = at.ask("SELECT clock_timestamp()")
    at.ask(FILL_MORE)
    with at.workers(1, SLOTS):
        at.wait_until(AT_WORK, (began,))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if at.ask("SELECT count(*) FROM orchestration_outbox_live WHERE ready_seq IS NOT NULL") < 5000:
                at.ask(FILL_MORE)
        rate = at.ask(ENDED, (seconds / 3,)) / (seconds / 3)
        at.wait_until(LIVE, (NOTHING,))
    return rate


def measure_four(at: Place) -> list[Figure]:
    """Four workers beside one, on as many cores as there are."""
    ours, one = best(lambda: drained(at, workers=4), lambda: drained(at), rounds=2)
    return [Figure("outbox_four_workers", ours, "1/s", peers={"one worker": one}, lower_is_better=False)]


def measure_history(at: Place) -> list[Figure]:
    """The same drain with an empty history, and behind millions of finished jobs."""
    at.ask("TRUNCATE orchestration_outbox_history")
    empty = max(drained(at) for _ in range(2))
    for begin in range(0, FINISHED, 1_000_000):
        at.ask(FILL_HISTORY, (min(1_000_000, FINISHED - begin),))
    at.ask("VACUUM ANALYZE orchestration_outbox_history")
    full = max(drained(at) for _ in range(2))
    at.ask("TRUNCATE orchestration_outbox_history")
    peers, told = {"empty history": empty}, {"finished jobs": FINISHED}
    return [Figure("outbox_full_history", full, "1/s", peers=peers, goal=0.9, lower_is_better=False, details=told)]
