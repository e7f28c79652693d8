"""A burst of events: much more than the workers can do at once, and what people wait for goes before it."""

from __future__ import annotations

from cursor_monitor.domain.jobs import BULK_PRIORITY, ClaimedJob, JobKind, NewJob
from cursor_monitor.store import jobs
from cursor_monitor.store.claims import Wish
from cursor_monitor.store.database import transaction
from cursor_monitor.store.exchange import Exchange
from cursor_monitor.store.jobs import Settlement
from tests.support.postgres import ask, ask_one

BURST = 10_000
ROOM = 1000


def enqueue(*new: NewJob) -> None:
    with transaction() as session:
        jobs.enqueue(session, new)


def test_a_burst_is_done_once_and_live_work_does_not_wait_for_it(database: str) -> None:
    for _ in range(2):  # the second time everything is known already
        enqueue(*(NewJob(JobKind.READ_AGENT, dedupe_key=f"{n}", priority=BULK_PRIORITY) for n in range(BURST)))
    exchange, wish = Exchange(), Wish("w", tuple(JobKind), ROOM, 60)
    done: list[int] = []
    live = 0
    held: list[ClaimedJob] = []
    while True:
        is_live = live < 3
        if is_live:
            enqueue(NewJob(JobKind.ADVANCE, priority=10))
        held = list(exchange.run([Settlement(job, "completed") for job in held], wish, is_direct=True).claimed)
        if not held:
            break
        assert len(held) <= ROOM
        assert (held[0].kind == JobKind.ADVANCE) == is_live, "whoever comes into the burst is next"
        live += is_live
        done += [job.id for job in held]
    exchange.close()
    assert len(done) == len(set(done)) == BURST + live
    ended = "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'completed' AND attempts = 1"
    assert ask_one(database, ended) == BURST + live
    assert ask(database, "SELECT 1 FROM orchestration_outbox_live LIMIT 1") == []
