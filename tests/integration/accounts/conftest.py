"""A fake Cursor and the worker's work, for tests that need no process of their own."""

from __future__ import annotations

import pytest

from tests.fakes.cursor import FakeCursor
from tests.support.pump import Pump


@pytest.fixture
def cursor() -> FakeCursor:
    """Cursor, in memory."""
    return FakeCursor()


@pytest.fixture
def pump(database: str, cursor: FakeCursor) -> Pump:
    """Does the jobs of the test's database with the fake Cursor."""
    return Pump(cursor)
