"""Faults under load: connections cut at random, the server restarted, workers killed; nothing lost, nothing twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from cursor_monitor.services import agents
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support.postgres import ask, ask_one
from tests.support.processes import Simulator, Workers
from tests.support.proxy import Proxy, through, to_postgres
from tests.support.waiting import eventually

JOBS = 40
# Every completion leaves a line, so that one that happened twice can be seen.
LEDGER: LiteralString = """
CREATE TABLE completions (job_id bigint);
CREATE FUNCTION note_completion() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO completions VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER note_completion AFTER INSERT ON orchestration_outbox_jobs FOR EACH ROW
WHEN (NEW.status = 'completed') EXECUTE FUNCTION note_completion();
"""
CUT: LiteralString = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database() AND random() < 0.3"
)


@pytest.fixture
def link(database: str) -> Iterator[Proxy]:
    """What the workers reach their database through."""
    with Proxy(to_postgres(database)) as proxy:
        yield proxy


@pytest.fixture
def wanted(database: str, link: Proxy, simulator: Simulator, workers: Workers) -> list[str]:
    """Agents asked for, two workers at it."""
    ask(database, LEDGER)
    simulator.fault("delay", seconds=0.3, method="POST", path="/v1/agents")
    made = [agents.launch({"prompt": f"Mend {n}.", "repository": "acme/web"}, by="test") for n in range(JOBS)]
    for _ in range(2):
        workers.start(WORKER_CONCURRENCY="4", DATABASE_URL=through(link, database))
    return made


def finished(url: str) -> int:
    """Agents that are done; none while the server is away."""
    try:
        return ask_one(url, "SELECT count(*) FROM agents WHERE run_status = 'FINISHED'")
    except psycopg.OperationalError:
        return 0


def assert_each_done_once(url: str, simulator: Simulator, wanted: list[str]) -> None:
    eventually(lambda: finished(url) == JOBS, seconds=60)
    # Watching the fleet is the one job that never ends.
    rest: LiteralString = "FROM orchestration_outbox_jobs WHERE kind <> 'watch_fleet'"
    query = f"SELECT count(*) {rest} AND status IN ('pending', 'processing')"
    eventually(lambda: ask_one(url, query) == 0)
    assert sorted(agent["id"] for agent in simulator.agents()) == sorted(wanted)
    assert [len(agent["runs"]) for agent in simulator.agents()] == [1] * JOBS
    statuses = ask(url, f"SELECT status, count(*) {rest} GROUP BY 1")
    ((status, jobs),) = statuses
    assert status == "completed"
    assert ask(url, "SELECT count(*), count(DISTINCT job_id) FROM completions") == [(jobs, jobs)]


def test_connections_cut_at_random(
    database: str, link: Proxy, simulator: Simulator, workers: Workers, wanted: list[str]
) -> None:
    chance = random.Random(7)
    blows = (lambda: ask(database, CUT), link.cut, lambda: link.silence(True), lambda: link.shut(True))
    struck = 0
    while finished(database) < JOBS and struck < 20:
        blows[struck % len(blows)]()
        struck += 1
        time.sleep(chance.uniform(0.05, 0.3))
        link.silence(False)
        link.shut(False)
    assert struck > len(blows)
    assert_each_done_once(database, simulator, wanted)
    assert all(worker.is_alive for worker in workers.all)


def test_the_server_restarted_under_load(
    database: str, server: EmbeddedPostgres, simulator: Simulator, workers: Workers, wanted: list[str]
) -> None:
    for _ in range(2):
        time.sleep(0.5)
        assert finished(database) < JOBS
        server.stop()
        time.sleep(0.3)
        server.start()
    assert_each_done_once(database, simulator, wanted)
    assert all(worker.is_alive for worker in workers.all)


def test_workers_killed_one_after_the_other(
    database: str, simulator: Simulator, workers: Workers, wanted: list[str]
) -> None:
    killed_at_work = 0
    for number in range(3):
        killed_at_work += finished(database) < JOBS
        workers.all[number].kill()
        workers.start(WORKER_CONCURRENCY="4")
    assert killed_at_work, "the first at least; how far the others are depends on the machine"
    assert_each_done_once(database, simulator, wanted)
