"""How many jobs a second go through one worker process, beside bare loops and other queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

from bench import queue_bare, queue_rivals
from bench.figures import Figure
from bench.queue_place import Place
from bench.queue_rivals import Rival
from bench.queue_worker import KINDS

NOTHING = KINDS[0]
JOBS, ROUNDS, RIVAL_ROUNDS, SLOTS = 50_000, 3, 2, 1000
LIVE: LiteralString = "SELECT NOT EXISTS (SELECT 1 FROM orchestration_outbox_live WHERE kind = %s)"
SPAN: LiteralString = """
SELECT extract(epoch FROM max(finished_at) - min(claimed_at))::float8 FROM orchestration_outbox_history
WHERE kind = %s AND created_at >= %s
"""
CHANGED: LiteralString = """
SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname LIKE 'orchestration_outbox%'
"""


def measure(at: Place, rivals: list[Rival]) -> list[Figure]:
    """By turns in each round: ours, the bare loop, and each of the others."""
    for rival in rivals:
        rival.renew()
    costs: dict[str, Any] = {}
    pairs: list[tuple[float, float]] = []
    telling: list[tuple[float, float]] = []
    others: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for number in range(ROUNDS):
        before = counters(at)
        rate = drained(at)
        costs = {name: round((value - before[name]) / JOBS, 3) for name, value in counters(at).items()}
        pairs.append((rate, queue_bare.drain(at.url, JOBS)))
        telling.append((rate, queue_bare.drain(at.url, JOBS, keeps_timeline=True)))
        for rival in rivals if number < RIVAL_ROUNDS else ():
            others[rival.name].append(rival.drain())
    told = {"told of a job": "when and how often it was claimed, when and how it ended, in its history row"}
    return [
        _beside_bare(pairs, costs),
        _beside_telling(telling, told),
        *_beside_others(pairs, others, rivals),
    ]


def _beside_telling(pairs: list[tuple[float, float]], told: dict[str, Any]) -> Figure:
    rate, bare = _best_of(pairs)
    peers = {"bare loop with two timeline rows a job": bare}
    return Figure("outbox_drain_timeline", rate, "1/s", peers=peers, goal=0.7, lower_is_better=False, details=told)


def _beside_bare(pairs: list[tuple[float, float]], costs: dict[str, Any]) -> Figure:
    rate, bare = _best_of(pairs)
    told = {"jobs": JOBS} | {f"{name} a job, filling included": cost for name, cost in costs.items()}
    return Figure("outbox_drain", rate, "1/s", peers={"bare loop": bare}, goal=0.6, lower_is_better=False, details=told)


def _beside_others(
    pairs: list[tuple[float, float]], others: dict[str, list[float]], rivals: list[Rival]
) -> list[Figure]:
    if not rivals:
        return []
    peers = {name: max(rates) for name, rates in others.items()}
    rate = max(rate for rate, _ in pairs)
    told = queue_rivals.details(rivals)
    return [Figure("outbox_drain_peers", rate, "1/s", peers=peers, goal=2, lower_is_better=False, details=told)]


def drained(at: Place, workers: int = 1, count: int = JOBS) -> float:
    """Jobs a second, by the database: from the first claim to the last completion."""
    at.empty()
    began = at.ask("SELECT clock_timestamp()")
    at.fill(NOTHING, count)
    with at.workers(workers, SLOTS):
        at.wait_until(LIVE, (NOTHING,))
    return count / at.ask(SPAN, (NOTHING, began))


def best(ours: Callable[[], float], peer: Callable[[], float], rounds: int = ROUNDS) -> tuple[float, float]:
    """The round with the best ratio, the more the better."""
    return _best_of([(ours(), peer()) for _ in range(rounds)])


def _best_of(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return max(pairs, key=lambda pair: pair[0] / pair[1])


def counters(at: Place) -> dict[str, float]:
    """What the server has counted so far."""
    at.ask("SELECT pg_stat_force_next_flush()")
    return {
        "WAL bytes": float(at.ask("SELECT pg_current_wal_lsn() - '0/0'")),
        "commits": float(at.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")),
        "dead tuples": float(at.ask(CHANGED)),
    }
