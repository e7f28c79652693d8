"""A timer of the kernel that ends this process, also while it is stopped: what must not happen late cannot any more."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import time
from typing import Any

_ABSOLUTE = 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),  # 0: by a signal
        ("rest", ctypes.c_byte * 48),
    )


class _Setting(ctypes.Structure):
    _fields_ = (
        ("every_seconds", ctypes.c_long),
        ("every_nanoseconds", ctypes.c_long),
        ("at_seconds", ctypes.c_long),
        ("at_nanoseconds", ctypes.c_long),
    )


def arm(moment: float) -> int | None:
    """SIGKILL at that moment of CLOCK_BOOTTIME unless it is defused; None where the system knows no such timer."""
    if sys.platform != "linux" or _LIBRARY is None:
        return None
    timer = ctypes.c_void_p()
    if _LIBRARY.timer_create(time.CLOCK_BOOTTIME, ctypes.byref(_Event(signal=signal.SIGKILL)), ctypes.byref(timer)):
        return None
    seconds, part = divmod(moment, 1)
    setting = _Setting(at_seconds=int(seconds), at_nanoseconds=int(part * 1e9))
    if _LIBRARY.timer_settime(timer, _ABSOLUTE, ctypes.byref(setting), None):
        defuse(timer.value or 0)
        return None
    return timer.value or 0


def defuse(timer: int | None) -> None:
    """Nothing happens at its moment."""
    if timer is not None and _LIBRARY is not None:
        _LIBRARY.timer_delete(ctypes.c_void_p(timer))


def _library() -> Any:
    for name in (None, "librt.so.1"):  # where it is depends on the age of the C library
        with contextlib.suppress(OSError, AttributeError):
            found = ctypes.CDLL(name, use_errno=True)
            if found.timer_create and found.timer_settime and found.timer_delete:
                return found
    return None


_LIBRARY = _library()
