from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cursor.harness import FakeWire


@pytest.fixture
async def wire() -> AsyncIterator[FakeWire]:
    """A real client on a fake wire; answers are scripted with `wire.answers(...)`."""
    fake = FakeWire()
    yield fake
    await fake.client.aclose()
