"""Redis as a second way to call workers: whatever befalls it, nothing is lost, nothing is done twice, nobody ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cursor_monitor.domain.jobs import JobKind, NewJob
from cursor_monitor.queries.health import get_health
from cursor_monitor.services.startup import open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import jobs
from cursor_monitor.store.database import transaction
from tests.support.pooler import Pooler
from tests.support.postgres import ask
from tests.support.processes import Process
from tests.support.redis_server import PASSWORD, RedisServer
from tests.support.waiting import eventually

POLL_SECONDS = 2.0
ILL = "Redis does not carry calls"
WELL = "Redis carries calls again"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    made = RedisServer(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def pooled(database: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[str]:
    """The database behind a transaction pooler, where no LISTEN works, and this process with the Redis."""
    pooler = Pooler(database, tmp_path)
    settings = Settings(
        database_url=pooler.url, redis_host="127.0.0.1", redis_port=redis_server.port, redis_password=PASSWORD
    )
    open_all(settings)
    yield pooler.url
    open_all(Settings(database_url=database))
    pooler.end()


class Hand:
    """Enqueues jobs one after the other and sees each of them done once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._given = 0
        ask(url, "CREATE TABLE effects (attempt int)")

    def gives(self) -> float:
        """Hand one over; the seconds until it was done."""
        began = time.monotonic()
        with transaction() as session:
            jobs.enqueue(session, [NewJob(JobKind.ADVANCE)])
        self._given += 1
        eventually(lambda: self._done() == (self._given, self._given), 15)
        return time.monotonic() - began

    def _done(self) -> tuple[int, int]:
        counts = (
            "SELECT (SELECT count(*) FROM effects),"
            " (SELECT count(*) FROM orchestration_outbox_jobs WHERE kind = 'advance' AND status = 'completed')"
        )
        ((effects, completed),) = ask(self._url, counts)
        return effects, completed


def test_whatever_befalls_redis_work_goes_on(
    pooled: str, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    hand = Hand(database)
    environ = {
        **redis_server.environ,
        "DATABASE_URL": pooled,
        "CURSOR_API_URL": "http://127.0.0.1:9",
        "HEARTBEAT_SECONDS": "0.3",
        "WORKER_POLL_SECONDS": str(POLL_SECONDS),
        "TEST_PHASE": "",
    }
    worker = Process("tests.support.phases", environ, tmp_path / "worker.log")
    try:
        worker.says("worker ready")
        eventually(lambda: redis_says() == "ok")
        assert min(hand.gives() for _ in range(3)) < POLL_SECONDS / 2, "called, not found by polling"
        redis_server.kill()
        eventually(lambda: redis_says() == "degraded")
        hand.gives()
        redis_server.start()
        worker.says(WELL)
        with redis_server.client() as client:
            client.flushall()
        hand.gives()
        redis_server.freeze(True)
        hand.gives()
        eventually(lambda: worker.log.count(ILL) == 2)
        redis_server.freeze(False)
        eventually(lambda: worker.log.count(WELL) == 2)
        redis_server.change_password()
        eventually(lambda: worker.log.count(ILL) == 3)
        hand.gives()
        assert worker.log.count(ILL) == 3, "said once for each time"
        assert PASSWORD not in worker.log
        assert worker.terminate() == 0
    finally:
        worker.kill()


def redis_says() -> str:
    """What the page of health says of it."""
    return next(part.status for part in get_health().components if part.name == "redis")
