"""The worker's own connection: what is done is settled and what is due is claimed in one transaction, sent at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from cursor_monitor.domain.jobs import ClaimedJob
from cursor_monitor.store import claims, database, jobs, leases, limits
from cursor_monitor.store.claims import Marks, Wish
from cursor_monitor.store.jobs import Settlement
from cursor_monitor.store.statements import Run

_TRIES = 4

_LOOK: LiteralString = "\n".join(
    (
        """
SELECT least(
    CASE WHEN EXISTS (SELECT 1 FROM orchestration_outbox_live
                      WHERE ready_seq IS NOT NULL AND kind = ANY(%(kinds)s::text[]))
           OR EXISTS (SELECT 1 FROM orchestration_outbox_live WHERE status = 'pending' AND ready_seq IS NULL
                      AND concurrency_key IS NOT NULL AND next_run_at <= clock_timestamp()) THEN 0 END,
    (SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 FROM orchestration_outbox_live
     WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NULL AND kind = ANY(%(kinds)s::text[])),
    (SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 FROM orchestration_outbox_live
     WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NOT NULL
       AND next_run_at > clock_timestamp())
), EXISTS (SELECT 1 FROM run_streams WHERE state = 'open'),
(SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 FROM schedules WHERE is_enabled),
l.* FROM (""",
        leases.DOUBTS,
        ") AS l",
    )
)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What was claimed, and in how many seconds more is due; None where nothing is known to be."""

    claimed: Sequence[ClaimedJob]
    next_due: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """In how many seconds a job and a schedule are due (None: nothing known), and how the leases of all workers are.

    Where no stream is open nobody is at work, and there is nothing to read or to look into.
    """

    next_due: float | None
    has_streams: bool
    schedule_due: float | None
    leased: int
    expired: int
    orphans: frozenset[int]


class Exchange:
    """Settles and claims for one worker; one call at a time, from any thread.

    Where the connection is its own (`is_direct`), all statements of a transaction travel together; behind a
    transaction pooler they go one by one.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._marks = Marks()
        self._is_turn_due = True

    def run(self, settlements: Sequence[Settlement], wish: Wish | None, *, is_direct: bool) -> Exchanged:
        """Settle, and claim where there is a wish; raises Unavailable without a database, having done nothing."""
        for left in reversed(range(_TRIES)):
            try:
                with database.plainly():
                    return self._once(settlements, wish, is_direct)
            except BaseException as error:
                self.close()
                if not (left and database.is_transient(error)):
                    raise
        raise AssertionError

    def look(self, kinds: Sequence[str]) -> Look:
        """What there is to do, in one statement that takes and locks nothing: all that a worker at rest asks."""
        try:
            with database.plainly():
                (row,) = self._opened().execute(_LOOK, {**leases.DOUBT_VALUES, "kinds": list(kinds)}).fetchall()
        except BaseException:
            self.close()
            raise
        return Look(row[0], row[1], row[2], row[3], row[4], frozenset(row[5]))

    def close(self) -> None:
        """Give the connection back; the next call opens another."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _once(self, settlements: Sequence[Settlement], wish: Wish | None, is_direct: bool) -> Exchanged:
        connection = self._opened()
        with connection.pipeline() if is_direct else contextlib.nullcontext():
            connection.execute("BEGIN")
            jobs.send_settlements(connection.execute, settlements)
            read = self._claim(connection.execute, wish) if wish else lambda: Exchanged([], None)
            connection.execute("COMMIT")
        return read()

    def _claim(self, run: Run, wish: Wish) -> Callable[[], Exchanged]:
        """Send what claims; the answers are there once the transaction has ended."""
        gives_turns, self._is_turn_due = self._is_turn_due, False
        if gives_turns:
            limits.give_turns(run)
        rows = claims.send_claim(run, wish, self._marks)
        due = claims.send_next_due(run, wish.kinds, is_sweep=self._marks.is_sweep)
        keyed = limits.send_next(run)

        def read() -> Exchanged:
            claimed = claims.taken(rows, self._marks)
            is_waiting, keyed_due = keyed.fetchall()[0]
            # Who waits for a turn gets it in the next exchange; whoever has none after that waits for another's end.
            self._is_turn_due = is_waiting and not gives_turns
            waits = (due.fetchall()[0][0], keyed_due, self._marks.seconds_to_sweep, 0.0 if self._is_turn_due else None)
            return Exchanged(claimed, min((wait for wait in waits if wait is not None), default=None))

        return read

    def _opened(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = database.connect()
        return self._connection
