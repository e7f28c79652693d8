"""How long it is from the call that enqueues a job to the first line of its handler, while nothing else happens."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, LiteralString

import psycopg

from bench import queue_bare, queue_rivals
from bench.figures import Figure
from bench.queue_place import Place, process
from bench.queue_rivals import Rival
from bench.queue_worker import KINDS
from cursor_monitor.domain.jobs import JobKind, NewJob
from cursor_monitor.store import jobs
from cursor_monitor.store.database import transaction

TELLS = KINDS[2]
SAMPLES, WARM, TURNS = 100, 20, 2
PAUSE_SECONDS, SETTLE_SECONDS = 0.03, 1.5
HELD: LiteralString = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2)"

Sample = Callable[[int], float]  # enqueues the job of this number; how many milliseconds until it began


def measure(at: Place, rivals: list[Rival]) -> list[Figure]:
    """Ours, the bare loop, and each of the others, by turns; of each the better turn counts."""
    for rival in rivals:
        rival.renew()
    ways: dict[str, Callable[[], AbstractContextManager[Sample]]] = {
        "ours": lambda: _ours(at),
        "bare LISTEN loop": lambda: _bare(at),
        **{rival.name: lambda rival=rival: _rival(rival) for rival in rivals},
    }
    turns = [{name: _latencies(way) for name, way in ways.items()} for _ in range(TURNS)]
    p50 = {name: min(turn[name][0] for turn in turns) for name in ways}
    p95 = {name: min(turn[name][1] for turn in turns) for name in ways}
    versions = queue_rivals.details(rivals)
    return [*_figures("outbox_start", p50, versions), *_figures("outbox_start_p95", p95, versions)]


def _figures(name: str, found: dict[str, float], versions: dict[str, str]) -> list[Figure]:
    bare = {who: value for who, value in found.items() if who not in versions and who != "ours"}
    peers = {who: value for who, value in found.items() if who in versions}
    beside_bare = Figure(name, found["ours"], "ms", peers=bare, goal=1.5, details={"samples": SAMPLES})
    if not peers:
        return [beside_bare]
    return [beside_bare, Figure(f"{name}_peers", found["ours"], "ms", peers=peers, goal=1, details=dict(versions))]


def _latencies(way: Callable[[], AbstractContextManager[Sample]]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    found: list[float] = []
    with way() as sample:
        for number in range(WARM + SAMPLES):
            found.append(sample(number))
            time.sleep(PAUSE_SECONDS)
    kept = found[WARM:]
    return statistics.median(kept), statistics.quantiles(kept, n=20)[-1]


@contextmanager
def _ours(at: Place) -> Iterator[Sample]:
    def tell(number: int) -> float:
        began = time.time()
        with transaction() as session:
            jobs.enqueue(session, [NewJob(JobKind(TELLS), args={"n": number})])
        return began

    at.empty()
    with at.worker(20) as worker:
        at.wait_until(HELD)
        time.sleep(SETTLE_SECONDS)
        yield _sampler(worker.stdout, tell)


@contextmanager
def _bare(at: Place) -> Iterator[Sample]:
    at.ask(queue_bare.TABLE)
    with process("bench.queue_bare", at.url) as loop, psycopg.connect(at.url) as connection:

        def tell(number: int) -> float:
            began = time.time()
            connection.execute("INSERT INTO bare_jobs (args) VALUES (jsonb_build_object('n', %s::int))", (number,))
            connection.execute("SELECT pg_notify('bare_jobs', '')")
            connection.commit()
            return began

        _line(loop.stdout)
        yield _sampler(loop.stdout, tell)


@contextmanager
def _rival(rival: Rival) -> Iterator[Sample]:
    with rival.talking("work") as worker, rival.talking("tell") as teller:

        def tell(number: int) -> float:
            assert teller.stdin is not None
            teller.stdin.write(f"{number}\n")
            teller.stdin.flush()
            return float(_line(teller.stdout))

        _line(teller.stdout)
        time.sleep(SETTLE_SECONDS)
        yield _sampler(worker.stdout, tell)


def _sampler(lines: IO[str] | None, tell: Callable[[int], float]) -> Sample:
    def sample(number: int) -> float:
        began = tell(number)
        told, at = _line(lines).split()
        assert int(told) == number
        return 1000 * (float(at) - began)

    return sample


def _line(lines: IO[str] | None) -> str:
    assert lines is not None
    found = lines.readline()
    if not found:
        raise RuntimeError("a process of the measurement ended early")
    return found
