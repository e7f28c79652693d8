"""Takeover: the jobs of a worker that died are somebody else's within a second; those of one that lives are not."""

from __future__ import annotations

import time

import pytest

from cursor_monitor.services import agents
from tests.support.postgres import ask, ask_one
from tests.support.processes import Process, Simulator, Workers
from tests.support.waiting import eventually

JOBS = 5
LONG_LEASE = {"LEASE_SECONDS": "60"}


@pytest.fixture
def busy(database: str, simulator: Simulator, workers: Workers) -> Process:
    """A worker in the midst of five launches that Cursor does not answer."""
    eventually(lambda: ask_one(database, "SELECT now() - pg_postmaster_start_time() > interval '5 s'"))
    simulator.fault("delay", seconds=20, method="POST", path="/v1/agents")
    worker = workers.start(**LONG_LEASE)
    eventually(lambda: ask_one(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"))
    for number in range(JOBS):
        agents.launch({"prompt": f"Mend {number}.", "repository": "acme/web"}, by="test")
    eventually(lambda: held(database) == JOBS)
    return worker


def held(url: str) -> int:
    """Launches that are worked on under a worker's lock; the watching of the fleet, which comes and goes, is none."""
    query = (
        "SELECT count(*) FROM orchestration_outbox_jobs"
        " WHERE kind = 'launch_agent' AND status = 'processing' AND holder IS NOT NULL"
    )
    return ask_one(url, query)


def taken_over(url: str) -> bool:
    query = (
        "SELECT count(*) FROM orchestration_outbox_jobs WHERE kind = 'launch_agent' AND status <> 'pending'"
        " AND errors -> 0 ->> 'error' = 'the worker died'"
    )
    return ask_one(url, query) == JOBS


def assert_all_launched_once(url: str, simulator: Simulator) -> None:
    eventually(lambda: ask_one(url, "SELECT count(*) FROM agents WHERE launch_status = 'launched'") == JOBS)
    assert sorted(agent["prompt"] for agent in prompts(simulator)) == [f"Mend {number}." for number in range(JOBS)]


def prompts(simulator: Simulator) -> list[dict[str, str]]:
    return [run for agent in simulator.agents() for run in agent["runs"]]


@pytest.mark.parametrize("stands_by", [True, False])
def test_a_killed_worker_is_replaced_within_a_second(
    database: str, simulator: Simulator, workers: Workers, busy: Process, stands_by: bool
) -> None:
    if stands_by:
        workers.start(**LONG_LEASE)
    simulator.clear_faults()
    busy.kill()
    if not stands_by:
        workers.start(**LONG_LEASE)
    began = time.monotonic()
    eventually(lambda: taken_over(database), seconds=10)
    assert time.monotonic() - began < 1.5
    assert_all_launched_once(database, simulator)


def test_a_worker_whose_connections_are_cut_keeps_its_jobs(
    database: str, simulator: Simulator, workers: Workers, busy: Process
) -> None:
    other = workers.start(**LONG_LEASE)
    for _ in range(3):
        ask(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()",
        )
        time.sleep(0.7)
    assert held(database) == JOBS
    assert "taken over" not in busy.log + other.log
    tokens = "SELECT array_agg(attempts) FROM orchestration_outbox_jobs WHERE kind = 'launch_agent'"
    assert ask_one(database, tokens) == [1] * JOBS
