"""How many jobs a second can be enqueued: one by one, a thousand at once, by many at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench import queue_bare, queue_rivals
from bench.figures import Figure
from bench.outbox_drain import NOTHING, best
from bench.queue_place import Place
from bench.queue_rivals import Rival
from cursor_monitor.domain.jobs import JobKind, NewJob
from cursor_monitor.store import jobs, notices
from cursor_monitor.store.database import transaction

ROUNDS = 3
ONES, MANY = 2000, 50_000


def measure(at: Place, rivals: list[Rival]) -> list[Figure]:
    """One by one, each in a transaction of its own, and a thousand with each call; each at its best of the rounds."""
    for rival in rivals:
        rival.renew()
    ones: dict[str, list[float]] = {}
    many: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        ones.setdefault("ours", []).append(_single(at))
        ones.setdefault("bare", []).append(queue_bare.enqueue(at.url, ONES))
        many.setdefault("ours", []).append(_bulk(at))
        many.setdefault("bare", []).append(queue_bare.enqueue_many(at.url, MANY))
        for rival in rivals if number < ROUNDS - 1 else ():
            ones.setdefault(rival.name, []).append(rival.ask("each", rival.singles))
            many.setdefault(rival.name, []).append(rival.ask("many", rival.jobs))
    versions = queue_rivals.details(rivals)
    return [_figure("outbox_enqueue", ones, versions), _figure("outbox_enqueue_bulk", many, versions)]


def _figure(name: str, rates: dict[str, list[float]], versions: dict[str, str]) -> Figure:
    found = {who: max(seen) for who, seen in rates.items()}
    told = {"bare statement 1/s": round(found["bare"])} | versions
    peers = {who: rate for who, rate in found.items() if who in versions}
    goal = 1.0 if peers else None
    return Figure(name, found["ours"], "1/s", peers=peers, goal=goal, lower_is_better=False, details=told)


def measure_32(at: Place) -> list[Figure]:
    """Thirty-two connections at once, one job a transaction, with the call that wakes the workers and without it."""

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

    ours, without = best(together, silent)
    peers = {"without any wake-up": without}
    return [Figure("outbox_enqueue_32", ours, "1/s", peers=peers, goal=0.9, lower_is_better=False)]


def _single(at: Place) -> float:
    at.empty()
    return _rate(ONES, lambda: _put(1), 1)


def _bulk(at: Place) -> float:
    at.empty()
    return _rate(MANY, lambda: _put(1000), 1000)


def _put(count: int) -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind(NOTHING)) for _ in range(count)])


def _rate(count: int, work: Callable[[], None], step: int) -> float:
    began = time.monotonic()
    for _ in range(0, count, step):
        work()
    return count / (time.monotonic() - began)
