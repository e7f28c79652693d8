"""Turns: of one concurrency key only as many at once as its limit says, whatever becomes of those that run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cursor_monitor.domain.jobs import ClaimedJob, JobKind, NewJob
from cursor_monitor.store import claims, jobs, leases, limits
from cursor_monitor.store.database import transaction
from cursor_monitor.store.exchange import Exchange
from cursor_monitor.store.jobs import Settlement
from tests.support.postgres import ask, ask_one

KINDS = tuple(JobKind)
TAKEN: LiteralString = (
    "SELECT count(*) FROM orchestration_outbox_live"
    " WHERE concurrency_key = 'k' AND (ready_seq IS NOT NULL OR lease_token IS NOT NULL)"
)
ENDED: LiteralString = "SELECT count(*) FROM orchestration_outbox_jobs WHERE status IN ('completed', 'failed')"
STEPS = st.lists(
    st.sampled_from(["enqueue", "claim", "complete", "fail", "retry", "snooze", "expire", "stale", "limit"]),
    min_size=5,
    max_size=25,
)


def enqueue(count: int, key: str | None = "k") -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind.ADVANCE, concurrency_key=key) for _ in range(count)])


def limit(most: int | None) -> None:
    with transaction() as session:
        limits.set_limit(session, "k", most)


def claim(room: int = 9) -> list[ClaimedJob]:
    with transaction() as session:
        return claims.claim(session, worker="w", kinds=KINDS, room=room, lease_seconds=30)


def settle(job: ClaimedJob, status: str, delay: float = 0.0) -> set[int]:
    with transaction() as session:
        return jobs.settle(session, [Settlement(job, status, delay=delay, is_fresh=True)])


@pytest.mark.parametrize(("most", "at_once"), [(2, 2), (None, 5)])
def test_a_limit_holds_back_its_own_key_alone(database: str, most: int | None, at_once: int) -> None:
    limit(most)
    enqueue(5)
    enqueue(3, key=None)
    enqueue(2, key="other")
    taken = claim(20)
    assert len(taken) == at_once + 5
    assert claim(20) == []
    settle(min(taken, key=lambda job: job.id), "completed")
    assert len(claim(20)) == (1 if most else 0)


def test_eight_at_once_never_give_one_turn_too_many(database: str) -> None:
    limit(3)
    enqueue(60)

    def work(_: int) -> int:
        most = 0
        for _ in range(12):
            for job in claim(2):
                most = max(most, ask_one(database, TAKEN))
                settle(job, "completed")
        return most

    with ThreadPoolExecutor(8) as threads:
        assert max(threads.map(work, range(8))) <= 3
    while left := claim(9):
        for job in left:
            settle(job, "completed")
    assert ask_one(database, ENDED) == 60


def test_the_workers_own_exchange_gives_turns_too(database: str) -> None:
    limit(1)
    enqueue(3)
    exchange = Exchange()
    done: list[int] = []
    settlements: list[Settlement] = []
    for _ in range(12):
        claimed = exchange.run(settlements, claims.Wish("w", KINDS, 5, 30.0), is_direct=len(done) % 2 == 0).claimed
        assert len(claimed) <= 1
        settlements = [Settlement(job, "completed") for job in claimed]
        done += [job.id for job in claimed]
    exchange.close()
    assert len(done) == len(set(done)) == 3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_the_limit_is_kept_and_nothing_is_lost_or_ended_twice(database: str, steps: list[str]) -> None:
    ask(database, "TRUNCATE orchestration_outbox_jobs")
    limit(2)
    most, made, ended, held, stale = 2, 0, 0, [], []
    for step in steps:
        match step:
            case "enqueue":
                enqueue(2)
                made += 2
            case "claim":
                held += claim()
            case "complete" | "fail" if held:
                ended += len(settle(held.pop(), "completed" if step == "complete" else "failed"))
            case "retry" | "snooze" if held:
                settle(held.pop(), "pending", delay=0.0 if step == "retry" else 60.0)
            case "expire":
                ask(database, "UPDATE orchestration_outbox_live SET leased_until = now() - interval '1 s'")
                with transaction() as session:
                    leases.rescue(session)
                stale, held = stale + held, []
            case "stale" if stale:
                assert settle(stale.pop(), "completed") == set()
            case "limit":
                most = 3 - most  # 1 and 2 by turns
                limit(most)
            case _:
                pass
        assert ask_one(database, TAKEN) <= 2
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs") == made
    assert ask_one(database, ENDED) == ended
