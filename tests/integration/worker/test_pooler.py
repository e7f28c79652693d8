"""Behind a transaction pooler: LISTEN is found not to work, and polling does everything all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cursor_monitor.services import agents
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from tests.support.pooler import Pooler
from tests.support.postgres import ask, ask_one
from tests.support.processes import Simulator, Workers
from tests.support.waiting import eventually

JOBS = 12


@pytest.fixture
def pooled(database: str, tmp_path: Path) -> Iterator[str]:
    """The URL of the test's database through the pooler; the services of this process go through it too."""
    pooler = Pooler(database, tmp_path)
    open_all(Settings(database_url=pooler.url))
    yield pooler.url
    close_all()
    pooler.end()


def test_workers_behind_a_pooler_poll_and_complete_everything(
    pooled: str, database: str, simulator: Simulator, workers: Workers
) -> None:
    for _ in range(2):
        workers.begin(DATABASE_URL=pooled, WORKER_POLL_SECONDS="0.2")
    for worker in workers.all:
        worker.says("waking up by polling only")
    made = [agents.launch({"prompt": f"Mend {n}.", "repository": "acme/web"}, by="test") for n in range(JOBS)]
    done = "SELECT count(*) FROM agents WHERE run_status = 'FINISHED'"
    eventually(lambda: ask_one(database, done) == JOBS, seconds=40)
    assert sorted(agent["id"] for agent in simulator.agents()) == sorted(made)
    assert ask(database, "SELECT errors FROM orchestration_outbox_jobs WHERE errors <> '[]'") == []
    # A lock taken through the pooler would stay with a connection that serves everybody.
    assert ask_one(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    for worker in workers.all:
        assert "Traceback" not in worker.log
        assert worker.terminate() == 0
