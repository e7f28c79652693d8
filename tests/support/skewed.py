"""The worker of phases.py on a machine whose clock is set wrong by TEST_SKEW seconds when SIGUSR1 comes."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import datetime, timedelta
from typing import Any

from tests.support import phases

SKEW = timedelta(seconds=float(os.environ["TEST_SKEW"]))
PACKAGES = ("cursor_monitor", "worker", "apscheduler")
_right_time = time.time
_wrong_by = timedelta()


class _Kind(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class _Wrong(datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + _wrong_by


def _set_wrong(*_: object) -> None:
    global _wrong_by
    _wrong_by = SKEW


def _take_over_clocks() -> None:
    time.time = lambda: _right_time() + _wrong_by.total_seconds()
    parts = [part for name, part in sys.modules.items() if name.split(".")[0] in PACKAGES]
    clocks = [part for part in parts if getattr(part, "datetime", None) is datetime]
    assert clocks
    for part in clocks:
        part.datetime = _Wrong  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    _take_over_clocks()
    signal.signal(signal.SIGUSR1, _set_wrong)
    sys.exit(phases.main())
