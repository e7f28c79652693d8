"""The outbox: enqueued with its change, claimed once under a lease, settled by the holder alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cursor_monitor.domain.jobs import ClaimedJob, JobKind, LeaseLost, NewJob
from cursor_monitor.store import claims, history, jobs, leases
from cursor_monitor.store.database import transaction, transactional
from cursor_monitor.store.jobs import Settlement
from tests.support.postgres import ask, ask_one
from tests.support.waiting import eventually

KINDS = tuple(JobKind)
KEY = "advance:1"


def enqueue(*new: NewJob) -> None:
    with transaction() as session:
        jobs.enqueue(session, new)


def job(key: str | None = None, **fields: Any) -> NewJob:
    return NewJob(JobKind.ADVANCE, dedupe_key=key, **fields)


def claim(
    room: int = 1, worker: str = "w", lease_seconds: float = 30, kinds: Sequence[str] = KINDS
) -> list[ClaimedJob]:
    with transaction() as session:
        return claims.claim(session, worker=worker, kinds=kinds, room=room, lease_seconds=lease_seconds)


def settle(claimed: ClaimedJob, status: str = "completed", **fields: Any) -> set[int]:
    with transaction() as session:
        return jobs.settle(session, [Settlement(claimed, status, **fields)])


def rescue() -> int:
    with transaction() as session:
        return leases.rescue(session)


def expire_leases(url: str) -> None:
    ask(url, "UPDATE orchestration_outbox_jobs SET leased_until = now() - interval '1 s' WHERE status = 'processing'")


def state(url: str) -> list[tuple[Any, ...]]:
    return ask(url, "SELECT status, attempts FROM orchestration_outbox_jobs ORDER BY id")


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_a_job_is_rolled_back_with_its_change(database: str) -> None:
    def enqueue_and_fail() -> None:
        with transaction() as session:
            session.connection().execute(text("INSERT INTO cursor_cache VALUES ('a', '1', now())"))
            jobs.enqueue(session, [job()])
            raise RuntimeError("no")

    with psycopg.connect(database, autocommit=True) as listener:
        listener.execute("LISTEN jobs")
        with pytest.raises(RuntimeError, match="no"):
            enqueue_and_fail()
        enqueue(job())
        assert [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)] == ["due"]
        assert list(listener.notifies(timeout=0)) == []
    assert state(database) == [("pending", 0)]
    assert ask(database, "SELECT 1 FROM cursor_cache") == []


def test_a_waiting_job_takes_in_an_earlier_one(database: str) -> None:
    enqueue(job(KEY, run_at=in_an_hour()))
    assert claim() == []
    enqueue(job(KEY))
    enqueue(job(KEY, run_at=in_an_hour()))
    assert len(claim(9)) == 1
    assert state(database) == [("processing", 1)]


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_job_that_is_worked_on_runs_once_more_when_it_was_asked_for_again(database: str, end: str) -> None:
    enqueue(job(KEY))
    (first,) = claim()
    enqueue(job(KEY), job(KEY))
    assert claim() == []
    assert settle(first, end) == {first.id}
    assert state(database) == [("pending", 0)]
    (again,) = claim()
    assert (again.id, again.attempt) == (first.id, 1)
    settle(again)
    assert state(database) == [("completed", 1)]


def test_a_later_wish_waits_its_time(database: str) -> None:
    enqueue(job(KEY))
    (first,) = claim()
    enqueue(job(KEY, run_at=in_an_hour()))
    settle(first)
    assert claim() == []
    assert state(database) == [("pending", 0)]


def test_an_earlier_wish_cuts_a_snooze_short(database: str) -> None:
    enqueue(job(KEY))
    (first,) = claim()
    enqueue(job(KEY))
    settle(first, "pending", delay=3600, is_fresh=True)
    assert [again.id for again in claim()] == [first.id]


def test_a_key_is_free_again_once_its_job_has_ended(database: str) -> None:
    for _ in range(2):
        enqueue(job(KEY))
        (claimed,) = claim()
        settle(claimed)
    assert state(database) == [("completed", 1), ("completed", 1)]


def test_eight_at_once_claim_each_job_once(database: str) -> None:
    enqueue(*(job() for _ in range(400)))

    def take(worker: int) -> list[ClaimedJob]:
        taken: list[ClaimedJob] = []
        while more := claim(7, worker=f"w{worker}"):
            taken += more
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [claimed for part in threads.map(take, range(8)) for claimed in part]
    assert len(taken) == len({claimed.id for claimed in taken}) == 400
    assert len({claimed.lease_token for claimed in taken}) == 400
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs WHERE attempts = 1") == 400


def test_the_more_urgent_and_then_the_older_come_first(database: str) -> None:
    now = datetime.now(UTC)
    for name, priority, age in (("late", 0, 1), ("early", 0, 9), ("urgent", 30, 0), ("middle", 10, 0)):
        enqueue(job(priority=priority, run_at=now - timedelta(seconds=age), args={"name": name}))
    assert [claim()[0].args["name"] for _ in range(4)] == ["urgent", "middle", "early", "late"]


def test_a_kind_of_a_newer_version_is_left_alone(database: str) -> None:
    ask(database, "INSERT INTO orchestration_outbox_jobs (kind, priority) VALUES ('tomorrow', 99)")
    enqueue(job())
    assert [claimed.kind for claimed in claim(9)] == ["advance"]
    with transaction() as session:
        assert claims.seconds_to_next(session, KINDS) is None
    assert [claimed.kind for claimed in claim(9, kinds=["tomorrow"])] == ["tomorrow"]


def test_a_lost_lease_is_rescued_and_its_stale_holder_writes_nothing(database: str) -> None:
    enqueue(job(KEY))
    (stale,) = claim(worker="stale")
    assert rescue() == 0
    expire_leases(database)
    assert rescue() == 1
    (holder,) = claim(worker="holder")
    assert (holder.id, holder.attempt) == (stale.id, 2)
    assert holder.lease_token > stale.lease_token
    assert settle(stale, "failed", error="late") == set()

    def write_as_the_stale_holder() -> None:
        with transaction() as session:
            session.connection().execute(text("INSERT INTO cursor_cache VALUES ('a', '1', now())"))
            jobs.complete_held(session, stale)

    with pytest.raises(LeaseLost):
        write_as_the_stale_holder()
    assert ask(database, "SELECT 1 FROM cursor_cache") == []
    with transaction() as session:
        assert not jobs.is_held(session, stale)
        assert jobs.is_held(session, holder)
    assert settle(holder) == {holder.id}
    (errors,) = ask_one(database, "SELECT errors FROM orchestration_outbox_jobs")
    assert (errors["attempt"], errors["worker"], errors["error"]) == (1, "stale", "the lease ran out")


def test_a_renewed_lease_is_kept_and_one_that_is_not_asked_for_is_not(database: str) -> None:
    enqueue(job(), job())
    kept, lost = claim(2, worker="w", lease_seconds=0.001)
    with transaction() as session:
        assert leases.extend(session, [kept.lease_token], lease_seconds=30) == {kept.lease_token}
    assert rescue() == 1
    assert [claimed.id for claimed in claim(2)] == [lost.id]
    with transaction() as session:
        tokens = [kept.lease_token, lost.lease_token]
        assert leases.extend(session, tokens, lease_seconds=30) == {kept.lease_token}


def test_a_snooze_forgets_the_attempts_and_a_retry_counts_them(database: str) -> None:
    enqueue(job())
    (first,) = claim()
    settle(first, "pending", delay=0.0, error="no answer")
    (second,) = claim()
    assert second.attempt == 2
    settle(second, "pending", delay=0.0, is_fresh=True)
    (third,) = claim()
    assert third.attempt == 1


def test_a_delay_is_kept(database: str) -> None:
    enqueue(job())
    (first,) = claim()
    settle(first, "pending", delay=90.0)
    assert claim() == []
    with transaction() as session:
        assert claims.seconds_to_next(session, KINDS) == pytest.approx(90, abs=10)


def test_every_error_is_kept_whole_to_the_dead_letter(database: str) -> None:
    enqueue(job(max_attempts=2))
    long = "x" * 10_000  # all of it is kept
    for number, status in ((1, "pending"), (2, "failed")):
        (claimed,) = claim(worker=f"w{number}")
        settle(claimed, status, error=f"{number}: {long}")
    (errors,) = ask(database, "SELECT errors FROM orchestration_outbox_jobs WHERE finished_at IS NOT NULL")[0]
    assert [(e["attempt"], e["worker"], e["error"]) for e in errors] == [
        (1, "w1", f"1: {long}"),
        (2, "w2", f"2: {long}"),
    ]
    assert all(datetime.fromisoformat(e["at"]).tzinfo for e in errors)
    with transaction() as session:
        assert jobs.outbox_facts(session) == {"depth": 0, "scheduled": 0, "dead_letters": 1, "oldest_due_seconds": None}


def test_an_error_that_postgres_cannot_keep_is_made_fit(database: str) -> None:
    enqueue(job())
    (claimed,) = claim()
    assert settle(claimed, "failed", error="nul \x00, half \ud800") == {claimed.id}
    (errors,) = ask(database, "SELECT errors FROM orchestration_outbox_jobs")[0]
    assert errors[0]["error"] == "nul , half ?"


def test_a_batch_settles_each_job_its_own_way(database: str) -> None:
    enqueue(*(job(args={"n": n}) for n in range(3)))
    done, again, dead = claim(3)
    with transaction() as session:
        stale = replace(done, id=10**6)
        wanted = [Settlement(done, "completed"), Settlement(again, "pending", delay=60), Settlement(dead, "failed")]
        assert jobs.settle(session, [*wanted, Settlement(stale, "completed")]) == {done.id, again.id, dead.id}
    assert [status for status, _ in state(database)] == ["completed", "pending", "failed"]


def test_history_is_dropped_by_the_day_and_dead_letters_stay(database: str) -> None:
    ask(database, "SELECT outbox_add_day((now() - make_interval(days => n))::date) FROM generate_series(3, 6) n")
    with transaction() as session:
        assert history.prepare(session) == history.DAYS_AHEAD + 1
        assert history.prepare(session) == 0
    for status in ("completed", "cancelled", "failed"):
        for age in (0, 5, 30):
            ask(
                database,
                "INSERT INTO orchestration_outbox_jobs (kind, status, finished_at)"
                " VALUES ('advance', %s, now() - make_interval(days => %s))",
                (status, age),
            )
    lies: LiteralString = "SELECT tableoid::regclass::text FROM orchestration_outbox_jobs WHERE status = 'completed'"
    assert [name[-9] == "_" and name[-8:].isdecimal() for (name,) in ask(database, f"{lies} ORDER BY finished_at")] == [
        False,
        True,
        True,
    ]
    with transaction() as session:
        assert history.drop_old(session, older_than_hours=72) == 3
        assert history.delete_rest(session, older_than_hours=72) == 2
    assert sorted(status for status, _ in state(database)) == ["cancelled", "completed", *["failed"] * 3]


def test_history_waits_for_nobody(database: str) -> None:
    ask(database, "SELECT outbox_add_day((now() - interval '9 days')::date)")
    with psycopg.connect(database) as reader:
        reader.execute("SELECT 1 FROM orchestration_outbox_history")  # such as a dump, for as long as it takes
        began = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"), transaction() as session:
            history.drop_old(session, older_than_hours=72)
        assert time.monotonic() - began < 2


def test_two_services_that_enqueue_the_same_keys_the_other_way_round_do_not_deadlock(database: str) -> None:
    keys = [f"k{n}" for n in range(20)]

    def enqueue_all(order: list[str]) -> None:
        for _ in range(15):
            enqueue(*(job(key) for key in order))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(enqueue_all, (keys, keys[::-1])))
    assert len(state(database)) == len(keys)


def test_a_job_that_ends_while_its_day_gets_a_partition_ends_there(database: str) -> None:
    enqueue(job())
    (claimed,) = claim()
    with psycopg.connect(database) as other, ThreadPoolExecutor(1) as thread:
        other.execute("SELECT outbox_add_day((now() AT TIME ZONE 'UTC')::date)")
        ended = thread.submit(transactional(jobs.settle), [Settlement(claimed, "completed")])
        waiting: LiteralString = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"
        eventually(lambda: ask_one(database, waiting))
        other.commit()
        assert ended.result(10) == {claimed.id}
    assert state(database) == [("completed", 1)]
