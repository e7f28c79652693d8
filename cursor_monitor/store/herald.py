"""The call that wakes the workers: sent after the commit, by a thread of its own, one for many.

A NOTIFY inside a transaction makes all commits of the server wait for each other; one outside, a few times a second,
costs nobody anything. It is a hint: a process that dies between its commit and the call has its job found by polling.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import psycopg

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.store import database

log = logging.getLogger(__name__)

CHANNEL = "jobs"
_PAUSE_SECONDS = 0.02


class Crier:
    """Carries what was asked for since it last did; the first call of a quiet moment goes at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._words: set[str] = set()
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def call(self, word: str) -> None:
        """Have all workers hear this word soon."""
        with self._changed:
            self._words.add(word)
            self._changed.notify()
            if self._thread is None:
                self._is_closing = False
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Send what is left, and end."""
        with self._changed:
            thread, self._thread, self._is_closing = self._thread, None, True
            self._changed.notify()
        if thread is not None:
            thread.join(5)

    def _work(self) -> None:
        try:
            while words := self._next():
                self._carry(words)
                time.sleep(_PAUSE_SECONDS)
        finally:
            self._end()

    def _next(self) -> list[str]:
        """The words to send, once there are any; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._words or self._is_closing)
            words, self._words = sorted(self._words), set()
            return words

    def _carry(self, words: list[str]) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError


class Herald(Crier):
    """Carries by NOTIFY, on a connection of its own."""

    def __init__(self) -> None:
        super().__init__("herald")
        self._connection: psycopg.Connection[Any] | None = None

    def _carry(self, words: list[str]) -> None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = database.connect()
            self._connection.execute("SELECT pg_notify(%s, unnest(%s::text[]))", (CHANNEL, words))
        except (Unavailable, psycopg.Error) as error:
            log.debug("workers were not called", extra={"error": type(error).__name__})
            self._end()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


herald = Herald()
database.at_close(herald.close)
