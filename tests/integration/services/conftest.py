"""Services on a real database, with a fake Cursor and the worker's work done in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.cursor import FakeCursor
from tests.support.pump import Pump
from tests.support.replay import assert_all_replayed


@pytest.fixture
def cursor() -> FakeCursor:
    """Cursor, in memory."""
    return FakeCursor()


@pytest.fixture
def pump(database: str, cursor: FakeCursor) -> Pump:
    """Does the jobs of the test's database with the fake Cursor."""
    return Pump(cursor)


@pytest.fixture(autouse=True)
def replayed(database: str) -> Iterator[None]:
    """Whatever a test did: the events rebuild the state of every orchestration."""
    yield
    assert_all_replayed()
