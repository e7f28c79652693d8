"""Waiting for what another process or thread will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.02


def eventually(condition: Callable[[], T], seconds: float = PATIENCE_SECONDS, poll: float = _POLL_SECONDS) -> T:
    """Ask until the answer is true and return it; fail the test with the last answer when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s; the last answer was {answer!r}")
        time.sleep(poll)
