"""The outbox against bare loops on the same Postgres, one after the other in one run."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg

from bench import queue_bare
from bench.figures import Figure
from bench.queue_place import Place, place, process
from bench.queue_worker import KINDS
from cursor_monitor.domain.jobs import JobKind, NewJob
from cursor_monitor.store import jobs, notices
from cursor_monitor.store.database import transaction

TITLE = "Outbox"
HOW = """\
An embedded Postgres with its durable settings, the product's worker as a process with handlers that do nothing, and
bare loops of psycopg on the same server, by turns; of each comparison the round with the best ratio is kept, because
other work on the machine only ever takes away. The drain is timed by the database, from the first claim to the last
completion, with one worker of 1,000 slots; the bare loop claims and completes by the hundred and keeps no history.
Latency is from the call that enqueues to the first line of the handler. `BENCH_FINISHED_JOBS` says how many finished
jobs lie in the history of `outbox_full_history`.

What users of other queues on Postgres complain of, and what answers it here:

1. Jobs orphaned for days: a worker's lock dies with it and its jobs go back at once; where no lock can be held, the
   lease runs out; `test_takeover`, `test_phases`.
2. Long jobs run twice: a lease is renewed off the event loop for as long as its kind may take, and a stale holder's
   token writes nothing.
3. Collapse while an old snapshot is held: ready jobs have numbers that only grow and are read from a mark on.
4. Growth, and slow counts: what has ended leaves the live table, days of history are dropped as files, dead letters
   lie apart, and no claim or page counts history.
5. Contention of NOTIFY: none inside a transaction wakes a worker; one call, after the commit, stands for many.
6. LISTEN lost without a word: the first thing a worker hears is its own ping, again after each reconnection, and the
   queue is polled beside it in any case.
7. Poolers and prepared statements: nothing is prepared, nothing is kept in a session but on the one connection that
   was heard to be direct; `test_pooler`.
8. Load at rest: one statement every few seconds looks for work, for dead workers and for lost leases.
9. Leaked slots: the turns of a concurrency key are counted from the rows that hold them; there is no counter.
10. Recovery that fails, and live work starved by bulk: workers outlive the server's restart (`test_faults`), and bulk
    work has a share of the slots of its own."""

NOTHING, WAITS, TELLS = KINDS
JOBS, ROUNDS, SLOTS = 50_000, 3, 1000
FINISHED = int(os.environ.get("BENCH_FINISHED_JOBS", "1000000"))
LIVE: LiteralString = "SELECT NOT EXISTS (SELECT 1 FROM orchestration_outbox_live WHERE kind = %s)"
SPAN: LiteralString = """
SELECT extract(epoch FROM max(finished_at) - min(claimed_at))::float8 FROM orchestration_outbox_history
WHERE kind = %s AND created_at >= %s
"""


def measure() -> list[Figure]:
    """Throughput, latency and what happens on bad days."""
    with place() as at:
        return [
            _drain(at),
            *_enqueue(at),
            _wakeup(at),
            _latency(at),
            *_takeover(at),
            _idle(at),
            _held(at),
            _four(at),
            _history(at),
        ]


def drained(at: Place, workers: int = 1, count: int = JOBS) -> float:
    """Jobs a second."""
    at.empty()
    began = at.ask("SELECT clock_timestamp()")
    at.fill(NOTHING, count)
    if workers > 1:
        with at.worker(SLOTS), at.worker(SLOTS), at.worker(SLOTS), at.worker(SLOTS):
            at.wait_until(LIVE, (NOTHING,))
    else:
        with at.worker(SLOTS):
            at.wait_until(LIVE, (NOTHING,))
    return count / at.ask(SPAN, (NOTHING, began))


def _best(ours: Callable[[], float], peer: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """The round with the best ratio, the more the better."""
    return max(((ours(), peer()) for _ in range(rounds)), key=lambda pair: pair[0] / pair[1])


def _drain(at: Place) -> Figure:
    costs: dict[str, float] = {}

    def ours() -> float:
        before = _counters(at)
        rate = drained(at)
        costs.update({name: round((value - before[name]) / JOBS, 3) for name, value in _counters(at).items()})
        return rate

    rate, bare = _best(ours, lambda: queue_bare.drain(at.url, JOBS))
    details = {"jobs": JOBS} | {f"{name} a job, filling included": cost for name, cost in costs.items()}
    peers = {"bare loop": bare}
    return Figure("outbox_drain", rate, "1/s", peers=peers, goal=0.6, lower_is_better=False, details=details)


def _counters(at: Place) -> dict[str, float]:
    at.ask("SELECT pg_stat_force_next_flush()")
    return {
        "WAL bytes": float(at.ask("SELECT pg_current_wal_lsn() - '0/0'")),
        "commits": float(at.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")),
        "dead tuples": float(
            at.ask(
                "SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname LIKE 'orchestration_outbox%'"
            )
        ),
    }


def _enqueue(at: Place) -> list[Figure]:
    def single() -> float:
        at.empty()
        return _rate(2000, lambda: _put(1), 1)

    def many() -> float:
        at.empty()
        return _rate(50_000, lambda: _put(1000), 1000)

    one, bare_one = _best(single, lambda: queue_bare.enqueue(at.url, 2000))
    bulk, bare_bulk = _best(many, lambda: queue_bare.enqueue_many(at.url, 50_000))
    return [
        Figure("outbox_enqueue", one, "1/s", peers={"bare INSERT": bare_one}, lower_is_better=False),
        Figure("outbox_enqueue_bulk", bulk, "1/s", peers={"bare unnest": bare_bulk}, lower_is_better=False),
    ]


def _put(count: int) -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind(NOTHING)) for _ in range(count)])


def _rate(count: int, work: Callable[[], None], step: int) -> float:
    began = time.monotonic()
    for _ in range(0, count, step):
        work()
    return count / (time.monotonic() - began)


def _wakeup(at: Place) -> Figure:
    def together() -> float:
        at.empty()
        began = time.monotonic()
        with ThreadPoolExecutor(32) as threads:
            list(threads.map(lambda _: _rate(100, lambda: _put(1), 1), range(32)))
        return 3200 / (time.monotonic() - began)

    def silent() -> float:
        wake = notices.wake_workers
        notices.wake_workers = lambda session: None
        try:
            return together()
        finally:
            notices.wake_workers = wake

    ours, without = _best(together, silent)
    peers = {"without any wake-up": without}
    return Figure("outbox_enqueue_32", ours, "1/s", peers=peers, goal=0.9, lower_is_better=False)


def _latency(at: Place) -> Figure:
    at.empty()
    with at.worker(20) as worker:
        at.wait_until("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2)")
        time.sleep(1)
        ours = _latencies(worker.stdout, _tell_ours)
    at.ask(queue_bare.TABLE)  # type: ignore[arg-type]
    with process("bench.queue_bare", at.url) as loop, psycopg.connect(at.url) as connection:
        assert loop.stdout is not None
        loop.stdout.readline()

        def tell(number: int) -> None:
            connection.execute("INSERT INTO bare_jobs (args) VALUES (jsonb_build_object('n', %s::int))", (number,))
            connection.execute("SELECT pg_notify('bare_jobs', '')")
            connection.commit()

        bare = _latencies(loop.stdout, tell)
    details = {"p95 ms": ours[1], "bare p95 ms": bare[1], "p95 ratio": round(ours[1] / bare[1], 2)}
    return Figure("outbox_start", ours[0], "ms", peers={"bare LISTEN loop": bare[0]}, goal=1.5, details=details)


def _tell_ours(number: int) -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind(TELLS), args={"n": number})])


def _latencies(lines: object, tell: Callable[[int], None]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    found: list[float] = []
    for number in range(220):
        began = time.time()
        tell(number)
        told, at = lines.readline().split()  # type: ignore[attr-defined]
        assert int(told) == number
        found.append(1000 * (float(at) - began))
        time.sleep(0.03)
    kept = found[20:]
    return statistics.median(kept), round(statistics.quantiles(kept, n=20)[-1], 2)


def _takeover(at: Place) -> list[Figure]:
    at.empty()
    at.fill(WAITS, 20)
    at.wait_until("SELECT clock_timestamp() - pg_postmaster_start_time() > interval '6 s'")
    running: LiteralString = "SELECT count(*) = 20 FROM orchestration_outbox_live WHERE status = 'processing'"
    with at.worker(20) as first:
        at.wait_until(running)
        time.sleep(1.5)
        first.kill()
        first.wait()
        began = at.ask("SELECT clock_timestamp()")
        with at.worker(20):
            at.wait_until(LIVE, (WAITS,))
    ended: LiteralString = (
        "SELECT extract(epoch FROM max(finished_at) - %s)::float8 FROM orchestration_outbox_history WHERE kind = %s"
    )
    done = at.ask(ended, (began, WAITS))
    again: LiteralString = (
        "SELECT extract(epoch FROM max(claimed_at) - %s)::float8 FROM orchestration_outbox_history WHERE kind = %s"
    )
    taken = at.ask(again, (began, WAITS))
    return [Figure("outbox_killed_done", done, "s", 5.0), Figure("outbox_killed_taken_over", taken, "s", 1.0)]


def _idle(at: Place) -> Figure:
    """Statements a second of a worker with nothing to do, by the log of the server."""
    at.empty()
    count: LiteralString = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    with at.worker(20):
        time.sleep(12)
        before = at.ask(count)
        time.sleep(30)
        transactions = at.ask(count) - before - 1
    return Figure("outbox_idle", transactions / 30, "transactions/s", 1.0, details={"seconds": 30})


def _held(at: Place) -> Figure:
    def held() -> float:
        with psycopg.connect(at.url) as forgotten:
            forgotten.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            forgotten.execute("SELECT 1 FROM bare_jobs LIMIT 1")
            return _closed_loop(at, 10)

    ours, free = _best(held, lambda: _closed_loop(at, 6), rounds=2)
    peers = {"without the snapshot": free}
    details = {"seconds": 10, "work": "jobs enqueued by the thousand while the worker drains; over the last third"}
    return Figure("outbox_held_snapshot", ours, "1/s", peers=peers, goal=0.8, lower_is_better=False, details=details)


def _closed_loop(at: Place, seconds: float) -> float:
    """Jobs a second that went through in the last third, with the queue kept filled."""
    at.ask("DELETE FROM orchestration_outbox_live")
    ended: LiteralString = (
        "SELECT count(*) FROM orchestration_outbox_history WHERE finished_at > clock_timestamp() - %s * interval '1 s'"
    )
    with at.worker(SLOTS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if at.ask("SELECT count(*) FROM orchestration_outbox_live WHERE ready_seq IS NOT NULL") < 5000:
                at.ask(FILL_MORE)
        rate = at.ask(ended, (seconds / 3,)) / (seconds / 3)
        at.wait_until(LIVE, (NOTHING,))
    return rate


FILL_MORE: LiteralString = (
    "INSERT INTO orchestration_outbox_live (kind, ready_seq)"
    " SELECT 'advance', nextval('ready_seq') FROM generate_series(1, 5000)"
)


def _four(at: Place) -> Figure:
    ours, one = _best(lambda: drained(at, workers=4), lambda: drained(at), rounds=2)
    return Figure("outbox_four_workers", ours, "1/s", peers={"one worker": one}, lower_is_better=False)


def _history(at: Place) -> Figure:
    empty = max(drained(at) for _ in range(2))
    at.ask(
        "INSERT INTO orchestration_outbox_jobs (kind, status, finished_at)"
        " SELECT 'finished', 'completed', now() FROM generate_series(1, %s)",
        (FINISHED,),
    )
    at.ask("VACUUM ANALYZE orchestration_outbox_history")
    full = max(drained(at) for _ in range(2))
    details = {"finished jobs": FINISHED}
    return Figure(
        "outbox_full_history",
        full,
        "1/s",
        peers={"empty history": empty},
        goal=0.9,
        lower_is_better=False,
        details=details,
    )
