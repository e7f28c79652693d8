"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def dies_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None]:
    """Build a `preexec_fn` with which Linux signals the child when the *thread* that spawned it ends.

    Elsewhere it does nothing: a leftover is then found and ended by the next start.
    """
    follow, parent = _follow(signal_number), os.getpid()

    def in_child() -> None:
        follow()
        # The parent may have ended between fork and prctl; then no signal will ever come.
        if sys.platform.startswith("linux") and os.getppid() != parent:
            os._exit(1)

    return in_child


def follow_parent() -> None:
    """Let Linux send this process SIGTERM when its parent ends."""
    _follow(signal.SIGTERM)()


def _follow(signal_number: int) -> Callable[[], None]:
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
