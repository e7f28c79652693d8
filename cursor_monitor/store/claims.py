"""Taking what is due under a lease, at a cost that neither the history nor an old snapshot adds to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, LiteralString

from sqlmodel import Session

from cursor_monitor.domain.jobs import BULK_LEVEL, LEVELS, ClaimedJob
from cursor_monitor.store import limits, statements
from cursor_monitor.store.statements import Rows, Run

_SWEEP_SECONDS = 1.0
_LAG_SECONDS = 0.05

# Ready jobs get their number in the order in which they were due. Those due long ago were seen by an earlier look.
_PROMOTE: LiteralString = """
WITH due AS MATERIALIZED (
    SELECT id FROM orchestration_outbox_live
    WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NULL AND next_run_at <= clock_timestamp()
      AND next_run_at > CASE WHEN %(is_sweep)s THEN '-infinity'::timestamptz ELSE now() - interval '5 s' END
      AND kind = ANY(%(kinds)s::text[])
    ORDER BY next_run_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED
), numbered AS MATERIALIZED (SELECT id, nextval('ready_seq') AS seq FROM due)
UPDATE orchestration_outbox_live AS j SET ready_seq = numbered.seq FROM numbered
WHERE j.id = numbered.id AND j.id = ANY(ARRAY(SELECT id FROM due))
"""

# The levels come in the order of their urgency, a minute of waiting counting as one level; each is read from its mark
# on until there is enough, so nothing is locked that is not taken. Kinds that this version does not know are left for
# a newer worker. The rows are named by an array too, here and wherever many change at once: with the join alone, the
# whole table would be read, with all that is dead in it.
_CLAIM: LiteralString = """
WITH levels AS MATERIALIZED (
    SELECT l.level, l.mark, l.room
    FROM unnest(%(levels)s::int[], %(marks)s::bigint[], %(rooms)s::int[]) AS l (level, mark, room),
    LATERAL (SELECT next_run_at FROM orchestration_outbox_live
             WHERE ready_seq > l.mark AND level = l.level ORDER BY ready_seq LIMIT 1) AS oldest
    ORDER BY l.level + floor(extract(epoch FROM clock_timestamp() - oldest.next_run_at) / 60) DESC, l.level DESC
), due AS MATERIALIZED (
    SELECT found.id, found.seq, row_number() OVER () AS place FROM (
        SELECT job.id, job.seq FROM levels,
        LATERAL (SELECT id, ready_seq AS seq FROM orchestration_outbox_live
                 WHERE ready_seq > levels.mark AND level = levels.level AND kind = ANY(%(kinds)s::text[])
                 ORDER BY ready_seq LIMIT levels.room FOR UPDATE SKIP LOCKED) AS job
        LIMIT %(room)s) AS found
)
UPDATE orchestration_outbox_live AS j
SET status = 'processing', attempts = j.attempts + 1, lease_token = nextval('lease_token_seq'),
    leased_by = %(worker)s::text, leased_until = clock_timestamp() + make_interval(secs => %(lease)s::float8),
    holder = %(holder)s::bigint, claimed_at = clock_timestamp(), ready_seq = NULL
FROM due WHERE j.id = due.id AND j.id = ANY(ARRAY(SELECT id FROM due))
RETURNING j.id, j.kind, j.args, j.orchestration_id, j.agent_id, j.attempts, j.max_attempts, j.lease_token,
          j.dedupe_key IS NOT NULL, extract(epoch FROM j.claimed_at - j.next_run_at)::float8, j.level,
          due.seq, due.place
"""

_NEXT_DUE: LiteralString = """
SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 FROM orchestration_outbox_live
WHERE status = 'pending' AND ready_seq IS NULL AND concurrency_key IS NULL AND kind = ANY(%(kinds)s::text[])
  AND next_run_at > CASE WHEN %(is_sweep)s THEN '-infinity'::timestamptz ELSE now() - interval '5 s' END
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker can take: up to `room` jobs of these kinds, of which at most `bulk_room` are bulk work.

    `holder` is the number whose lock this worker's life holds, if it can hold one.
    """

    worker: str
    kinds: Sequence[str]
    room: int
    lease_seconds: float
    holder: int | None = None
    bulk_room: int | None = None


class Marks:
    """How far one worker has read the ready jobs of each level.

    Numbers are given out in one order and committed in another: the marks follow what was taken a moment late, and
    once a second everything is read from the start. One claim at a time may use them.
    """

    def __init__(self) -> None:
        self._marks = dict.fromkeys(LEVELS, 0)
        self._coming = dict(self._marks)
        self._rotated_at = 0.0
        self._swept_at = float("-inf")
        self.is_sweep = True
        self._is_stale = True

    def begin(self) -> dict[int, int]:
        """The numbers to read on from; all zero where it is time to read everything."""
        now = time.monotonic()
        self.is_sweep = now - self._swept_at >= _SWEEP_SECONDS
        if now - self._rotated_at >= _LAG_SECONDS:
            self._marks, self._rotated_at = dict(self._coming), now
        return dict.fromkeys(LEVELS, 0) if self.is_sweep else self._marks

    def took(self, found: Sequence[tuple[int, int]]) -> None:
        """Remember the levels and numbers of what was taken, and whether everything was looked at."""
        for level, seq in found:
            self._coming[level] = max(self._coming[level], seq)
        if self.is_sweep:
            self._swept_at = time.monotonic()
        self._is_stale = not self.is_sweep

    @property
    def seconds_to_sweep(self) -> float | None:
        """When to look again at everything, where the last look was not at everything."""
        return max(0.0, self._swept_at + _SWEEP_SECONDS - time.monotonic()) if self._is_stale else None


def claim(
    session: Session,
    *,
    worker: str,
    kinds: Sequence[str],
    room: int,
    lease_seconds: float,
    holder: int | None = None,
    bulk_room: int | None = None,
    marks: Marks | None = None,
) -> list[ClaimedJob]:
    """Take due jobs under a lease, as a Wish says."""
    wish = Wish(worker, kinds, room, lease_seconds, holder, bulk_room)
    marks = marks or Marks()
    run = statements.of(session)
    limits.give_turns(run)
    return taken(send_claim(run, wish, marks), marks)


def seconds_to_next(session: Session, kinds: Sequence[str], *, is_sweep: bool = True) -> float | None:
    """Seconds until the next scheduled job is due, negative if one already is; None without any."""
    return send_next_due(statements.of(session), kinds, is_sweep=is_sweep).fetchall()[0][0]


def send_claim(run: Run, wish: Wish, marks: Marks) -> Rows:
    """Send the statements that take jobs; taken() reads the answer."""
    start = marks.begin()
    kinds = list(wish.kinds)
    run(_PROMOTE, {"kinds": kinds, "is_sweep": marks.is_sweep})
    bulk = wish.room if wish.bulk_room is None else min(wish.room, wish.bulk_room)
    values: dict[str, Any] = {
        "worker": wish.worker,
        "kinds": kinds,
        "room": wish.room,
        "lease": wish.lease_seconds,
        "holder": wish.holder,
        "levels": list(LEVELS),
        "marks": [start[level] for level in LEVELS],
        "rooms": [bulk if level == BULK_LEVEL else wish.room for level in LEVELS],
    }
    return run(_CLAIM, values)


def taken(rows: Rows, marks: Marks) -> list[ClaimedJob]:
    """The jobs that the claim gave, the most urgent first."""
    found = sorted(rows.fetchall(), key=itemgetter(-1))
    marks.took([row[-3:-1] for row in found])
    return [_claimed(*row) for row in found]


def send_next_due(run: Run, kinds: Sequence[str], *, is_sweep: bool) -> Rows:
    """Ask how many seconds it is until the next scheduled job is due."""
    return run(_NEXT_DUE, {"kinds": list(kinds), "is_sweep": is_sweep})


def _claimed(
    job_id: int,
    kind: str,
    args: dict[str, Any],
    orchestration_id: object,
    agent_id: str | None,
    attempt: int,
    max_attempts: int,
    lease_token: int,
    has_key: bool,
    waited_seconds: float,
    level: int,
    _seq: int,
    _place: int,
) -> ClaimedJob:
    orchestration = str(orchestration_id) if orchestration_id else None
    return ClaimedJob(
        job_id,
        kind,
        args,
        orchestration,
        agent_id,
        attempt,
        max_attempts,
        lease_token,
        is_bulk=level == BULK_LEVEL,
        has_key=has_key,
        waited_seconds=waited_seconds,
    )
