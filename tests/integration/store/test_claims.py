"""Claims: cheap whatever lies around the due jobs, in order, and blind to none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest

from cursor_monitor.domain.jobs import ClaimedJob, JobKind, NewJob
from cursor_monitor.store import claims, jobs
from cursor_monitor.store.claims import Marks
from cursor_monitor.store.database import transaction
from cursor_monitor.store.jobs import Settlement
from tests.support import plans
from tests.support.postgres import ask, ask_one

KINDS = tuple(JobKind)
FILL: LiteralString = (
    "INSERT INTO orchestration_outbox_jobs (kind, priority, ready_seq)"
    " SELECT 'advance', n %% 40, nextval('ready_seq') FROM generate_series(1, %s) n"
)

HISTORY: LiteralString = (
    "INSERT INTO orchestration_outbox_jobs (kind, status, finished_at)"
    " SELECT 'advance', 'completed', now() FROM generate_series(1, 50000)"
)


def enqueue(*new: NewJob) -> None:
    with transaction() as session:
        jobs.enqueue(session, new)


def claim(room: int, marks: Marks | None = None, bulk_room: int | None = None) -> list[ClaimedJob]:
    with transaction() as session:
        return claims.claim(
            session, worker="w", kinds=KINDS, room=room, lease_seconds=30, bulk_room=bulk_room, marks=marks
        )


def complete(claimed: list[ClaimedJob]) -> None:
    with transaction() as session:
        assert len(jobs.settle(session, [Settlement(job, "completed") for job in claimed])) == len(claimed)


def snooze(claimed: list[ClaimedJob]) -> None:
    with transaction() as session:
        jobs.settle(session, [Settlement(job, "pending", delay=9) for job in claimed])


def let_follow(marks: Marks) -> None:
    """As if the moment by which the marks are late were over, and no look at everything due for long."""
    marks._rotated_at, marks._swept_at = float("-inf"), float("inf")


@contextmanager
def held_snapshot(url: str) -> Iterator[None]:
    """Somebody's forgotten transaction: nothing that dies meanwhile can be cleaned away."""
    with psycopg.connect(url) as forgotten:
        forgotten.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        forgotten.execute("SELECT count(*) FROM orchestration_outbox_jobs")
        yield


def test_a_claim_reads_only_its_index_however_long_the_history(database: str) -> None:
    ask(database, HISTORY)
    ask(database, FILL, (2000,))
    ask(database, "VACUUM ANALYZE orchestration_outbox_jobs")
    plan = plans.explained(lambda: claim(10), "lease_token_seq")
    assert plans.indexes(plan) == {"orchestration_outbox_live_ready", "orchestration_outbox_live_pkey"}
    # The 50,000 finished jobs alone fill several hundred blocks.
    assert plans.buffers(plan) < 200


def test_batches_are_claimed_and_settled_by_index_in_a_long_queue(database: str) -> None:
    ask(database, HISTORY)
    ask(database, FILL, (20000,))
    claimed = claim(2500)
    ask(database, "ANALYZE orchestration_outbox_jobs")
    plan = plans.explained(lambda: claim(500), "lease_token_seq")
    assert plans.indexes(plan) == {"orchestration_outbox_live_ready", "orchestration_outbox_live_pkey"}
    plan = plans.explained(lambda: complete(claimed[:500]), "DELETE FROM")
    assert plans.indexes(plan) == {"orchestration_outbox_live_pkey"}
    plan = plans.explained(lambda: snooze(claimed[500:1000]), "s.is_fresh")
    assert plans.indexes(plan) == {"orchestration_outbox_live_pkey"}


def test_a_claim_does_not_walk_what_a_held_snapshot_keeps(database: str) -> None:
    with held_snapshot(database):
        marks = Marks()
        for _ in range(20):
            ask(database, FILL, (1000,))
            complete(claim(1000, marks))
        ask(database, FILL, (200,))
        naive = plans.explained(lambda: claim(10), "lease_token_seq")
        let_follow(marks)
        ours = plans.explained(lambda: claim(10, marks), "lease_token_seq")
    assert plans.buffers(ours) * 4 < plans.buffers(naive)


@pytest.mark.parametrize("committed_late", [False, True])
def test_a_job_below_the_marks_is_found_by_the_next_look_at_everything(database: str, committed_late: bool) -> None:
    marks = Marks()
    with psycopg.connect(database) as slow:
        slow.execute(FILL, (1,))
        if not committed_late:
            slow.commit()
        ask(database, FILL, (5,))
        assert len(claim(9, marks)) == 5 + (not committed_late)
        slow.commit()
    time.sleep(0.06)
    assert claim(9, marks) == []
    pause = marks.seconds_to_sweep
    assert pause is not None
    assert pause <= 1
    time.sleep(pause)
    assert len(claim(9, marks)) == committed_late
    assert marks.seconds_to_sweep is None


def test_an_old_job_overtakes_more_urgent_ones_and_a_young_one_does_not(database: str) -> None:
    enqueue(*(NewJob(JobKind.ADVANCE, priority=priority, args={"p": priority}) for priority in (0, 10, 20)))
    age: LiteralString = "UPDATE orchestration_outbox_jobs SET next_run_at = now() - make_interval(secs => %s)"
    ask(database, f"{age} WHERE priority = 0", (50,))
    assert claim(1)[0].args == {"p": 20}
    ask(database, f"{age} WHERE priority = 0", (130,))
    assert [claim(1)[0].args for _ in range(2)] == [{"p": 0}, {"p": 10}]


def test_bulk_work_is_held_to_its_room_however_long_it_waits(database: str) -> None:
    enqueue(*(NewJob(JobKind.OBSERVE_AGENT, priority=-1) for _ in range(20)))
    ask(database, "UPDATE orchestration_outbox_jobs SET next_run_at = now() - interval '1 day'")
    enqueue(*(NewJob(JobKind.ADVANCE) for _ in range(5)))
    taken = claim(8, bulk_room=2)
    assert sorted(job.is_bulk for job in taken) == [False] * 5 + [True] * 2
    assert claim(8, bulk_room=0) == []


def test_a_round_reads_as_little_after_many_while_a_snapshot_is_held(database: str) -> None:
    """Counted in blocks, as the time of a round also tells what else the machine does; the bench measures that."""
    marks = Marks()

    def round_of(room: int) -> None:
        ask(database, FILL, (room,))
        complete(claim(room, marks))

    def blocks() -> int:
        ask(database, FILL, (100,))
        claimed = list[ClaimedJob]()
        let_follow(marks)
        claiming = plans.explained(lambda: claimed.extend(claim(100, marks)), "lease_token_seq")
        ending = plans.explained(lambda: complete(claimed), "DELETE FROM")
        return plans.buffers(claiming) + plans.buffers(ending)

    with held_snapshot(database):
        round_of(100)
        early = blocks()
        for _ in range(20):
            round_of(1000)
        late = blocks()
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs WHERE status <> 'completed'") == 0
    assert late < 2 * early, f"{late} blocks after 20,000 jobs, {early} at the beginning"
