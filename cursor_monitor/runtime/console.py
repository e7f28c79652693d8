"""What a person sees while the product starts and runs: one line at a time, with the time it took."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

STEPS = 5
PATIENCE_SECONDS = 10.0


class Console:
    """Writes whole lines; a reader that went away does not stop the product."""

    def __init__(self, stream: TextIO | None = None, started_at: float | None = None) -> None:
        self._stream = stream or sys.stdout
        self._started_at = started_at if started_at is not None else time.time()
        self._turn = threading.Lock()

    def say(self, line: str) -> None:
        """Write one line."""
        with self._turn, contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    @property
    def elapsed_seconds(self) -> float:
        """Time since the command of the person began."""
        return max(0.0, time.time() - self._started_at)

    @contextlib.contextmanager
    def step(self, number: int, title: str, hint: str = "") -> Iterator[None]:
        """Announce a step, say now and then that it goes on, and how long it took."""
        head = f"[{number}/{STEPS}] {title}"
        self.say(f"{head}{f' ({hint})' if hint else ''}…")
        began = time.monotonic()
        over = threading.Event()
        reminder = threading.Thread(target=self._remind, args=(head, began, over), daemon=True)
        reminder.start()
        try:
            yield
        finally:
            over.set()
            reminder.join()
        self.say(f"{head}: done in {time.monotonic() - began:.1f} s")

    def _remind(self, head: str, began: float, over: threading.Event) -> None:
        while not over.wait(PATIENCE_SECONDS):
            self.say(f"{head}: {time.monotonic() - began:.0f} s so far…")
