"""A worker killed in each phase of a job: the work is done all the same, and its effect is counted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import LiteralString

import pytest

from cursor_monitor.domain.jobs import JobAction, JobKind, NewJob
from cursor_monitor.services import jobs as job_services
from cursor_monitor.store import jobs
from cursor_monitor.store.database import transaction
from tests.support.postgres import ask, ask_one
from tests.support.processes import Process
from tests.support.waiting import eventually

DONE: LiteralString = "SELECT status FROM orchestration_outbox_jobs WHERE kind = 'advance'"
ENVIRON = {"CURSOR_API_URL": "http://127.0.0.1:9", "LEASE_SECONDS": "2", "HEARTBEAT_SECONDS": "1"}


@pytest.fixture
def effects(database: str) -> str:
    """A table in which the handler of the test leaves a line each time it did its work."""
    ask(database, "CREATE TABLE effects (attempt int)")
    eventually(lambda: ask_one(database, "SELECT now() - pg_postmaster_start_time() > interval '5 s'"))
    return database


def worker(url: str, folder: Path, phase: str = "", name: str = "worker") -> Process:
    """The product's worker with a handler that dies, or waits, in this phase."""
    environ = {**ENVIRON, "DATABASE_URL": url, "TEST_PHASE": phase}
    return Process("tests.support.phases", environ, folder / f"{name}.log")


def enqueue() -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind.ADVANCE, max_attempts=5)])


@pytest.mark.parametrize(
    ("phase", "times"),
    [("before claim", 1), ("after claim", 1), ("in the handler", 1), ("after the effect", 2), ("before completion", 2)],
)
def test_a_worker_killed_in_a_phase_loses_nothing(effects: str, tmp_path: Path, phase: str, times: int) -> None:
    enqueue()
    killed = worker(effects, tmp_path, phase, "killed")
    assert killed.child.wait(20) == -9
    second = worker(effects, tmp_path)
    try:
        eventually(lambda: ask(effects, DONE) == [("completed",)])
        # At least once: an effect whose completion was never written is had again; handlers bear that.
        assert ask_one(effects, "SELECT count(*) FROM effects") == times
    finally:
        second.kill()


def test_a_discarded_job_is_stopped_while_it_runs(effects: str, tmp_path: Path) -> None:
    enqueue()
    running = worker(effects, tmp_path, "hang")
    try:
        job = eventually(lambda: ask(effects, "SELECT id FROM orchestration_outbox_live WHERE holder IS NOT NULL"))
        running.says("handler hangs")
        began = time.monotonic()
        job_services.change(job[0][0], JobAction.DISCARD)
        running.says("handler was told")
        assert time.monotonic() - began < 2
        assert ask(effects, DONE) == [("cancelled",)]
    finally:
        running.kill()


def test_jobs_of_an_unknown_kind_are_left_and_said(effects: str, tmp_path: Path) -> None:
    ask(effects, "INSERT INTO orchestration_outbox_live (kind, ready_seq) VALUES ('tomorrow', nextval('ready_seq'))")
    running = worker(effects, tmp_path)
    try:
        running.says("left for a newer worker")
        enqueue()
        eventually(lambda: ask(effects, DONE) == [("completed",)])
    finally:
        running.kill()
    tomorrow = "SELECT status, attempts FROM orchestration_outbox_jobs WHERE kind = 'tomorrow'"
    assert ask(effects, tomorrow) == [("pending", 0)]
