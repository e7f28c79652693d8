"""A real Postgres per test process, a fresh database per test, the simulator and workers as processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support import postgres
from tests.support.processes import Simulator, Workers

hypothesis_settings.register_profile("ours", deadline=None)  # how long a try takes tells of the machine
hypothesis_settings.load_profile("ours")
TIME_SCALE = 0.03  # a run lasts 0.12 to 0.36 s


def _quick_disk() -> Path | None:
    """Memory where there is enough of it: each test copies a database, and no test asks what outlives the machine."""
    memory = Path("/dev/shm")  # noqa: S108  the folder made in it has a name of its own
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3 else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for processes comes first, so that one worker of pytest waits while the others reckon."""
    items.sort(key=lambda item: "tests/integration/worker/" not in item.nodeid)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """The Postgres of this test process, with a template that has the schema; a test may stop and start it."""
    folder = Path(tempfile.mkdtemp(prefix="cmt-", dir=_quick_disk()))
    made = EmbeddedPostgres(folder / "pg", {"fsync": "off", "max_connections": "200", "log_min_messages": "fatal"})
    try:
        made.start()
        postgres.make_template(made)
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_database(server: EmbeddedPostgres) -> Callable[[], str]:
    """Makes a database with the schema and gives its URL; they end with the server."""
    return lambda: postgres.make_database(server)


@pytest.fixture
def database(server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a fresh database with the schema, opened for the services of this process."""
    url = postgres.make_database(server)
    open_all(Settings(database_url=url))
    yield url
    close_all()
    postgres.drop_database(server, url)


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The simulator of this test process."""
    made = Simulator(tmp_path_factory.mktemp("simulator") / "log", TIME_SCALE)
    try:
        made.wait_until_up()
        yield made
    finally:
        made.kill()


@pytest.fixture
def simulator(simulator_process: Simulator) -> Simulator:
    """The simulator, empty and behaving well."""
    simulator_process.reset()
    return simulator_process


@pytest.fixture
def workers(database: str, simulator: Simulator, tmp_path: Path) -> Iterator[Workers]:
    """Starts workers on the test's database; short leases and quick looks, so that nothing takes long."""
    environ = {
        "DATABASE_URL": database,
        "CURSOR_API_URL": simulator.url,
        "CURSOR_RATE_PER_MINUTE": "1000000",
        "OBSERVE_MIN_SECONDS": "0.1",
        "OBSERVE_MAX_SECONDS": "0.5",
        "LEASE_SECONDS": "1",
        "HEARTBEAT_SECONDS": "0.5",
    }
    made = Workers(environ, tmp_path)
    try:
        yield made
    finally:
        made.end()
