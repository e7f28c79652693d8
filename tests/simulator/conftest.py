"""Fixtures of the simulator's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.simulator.harness import Sim


@pytest.fixture
async def sim() -> AsyncIterator[Sim]:
    """A fresh simulator with the seed of all tests."""
    fresh = Sim()
    yield fresh
    await fresh.http.aclose()
    fresh.simulator.close()
