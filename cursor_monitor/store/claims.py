"""Taking what is due under a lease, at a cost that neither the history nor an old snapshot adds to."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Row, text
from sqlmodel import Session

from cursor_monitor.domain.jobs import BULK_LEVEL, LEVELS, ClaimedJob

_SWEEP_SECONDS = 1.0
_LAG_SECONDS = 0.05

# Ready jobs get their number in the order in which they were due. Those due long ago were seen by an earlier look.
_PROMOTE = text("""
WITH due AS MATERIALIZED (
    SELECT id FROM orchestration_outbox_jobs
    WHERE status = 'pending' AND ready_seq IS NULL AND next_run_at <= clock_timestamp()
      AND next_run_at > CASE WHEN :is_sweep THEN '-infinity'::timestamptz ELSE now() - interval '5 s' END
      AND kind = ANY(CAST(:kinds AS text[]))
    ORDER BY next_run_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED
), numbered AS MATERIALIZED (SELECT id, nextval('ready_seq') AS seq FROM due)
UPDATE orchestration_outbox_jobs AS j SET ready_seq = numbered.seq FROM numbered WHERE j.id = numbered.id
""")

# The levels come in the order of their urgency, a minute of waiting counting as one level; each is read from its mark
# on until there is enough, so nothing is locked that is not taken. Kinds that this version does not know are left for
# a newer worker.
_CLAIM = text("""
WITH levels AS MATERIALIZED (
    SELECT l.level, l.mark, l.room
    FROM unnest(CAST(:levels AS int[]), CAST(:marks AS bigint[]), CAST(:rooms AS int[])) AS l (level, mark, room),
    LATERAL (SELECT next_run_at FROM orchestration_outbox_jobs
             WHERE ready_seq > l.mark AND level = l.level ORDER BY ready_seq LIMIT 1) AS oldest
    ORDER BY l.level + floor(extract(epoch FROM clock_timestamp() - oldest.next_run_at) / 60) DESC, l.level DESC
), due AS MATERIALIZED (
    SELECT job.id, job.seq FROM levels,
    LATERAL (SELECT id, ready_seq AS seq FROM orchestration_outbox_jobs
             WHERE ready_seq > levels.mark AND level = levels.level AND kind = ANY(CAST(:kinds AS text[]))
             ORDER BY ready_seq LIMIT levels.room FOR UPDATE SKIP LOCKED) AS job
    LIMIT :room
)
UPDATE orchestration_outbox_jobs AS j
SET status = 'processing', attempts = j.attempts + 1, lease_token = nextval('lease_token_seq'), leased_by = :worker,
    leased_until = clock_timestamp() + make_interval(secs => :lease), holder = :holder,
    ready_seq = NULL
FROM due WHERE j.id = due.id
RETURNING j.id, j.kind, j.args, j.orchestration_id, j.agent_id, j.attempts, j.max_attempts, j.lease_token, j.level,
          due.seq
""")

_NEXT_DUE = text("""
SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 FROM orchestration_outbox_jobs
WHERE status = 'pending' AND ready_seq IS NULL AND kind = ANY(CAST(:kinds AS text[]))
  AND next_run_at > CASE WHEN :is_sweep THEN '-infinity'::timestamptz ELSE now() - interval '5 s' END
""")


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

    def took(self, rows: Sequence[Row[tuple[object, ...]]]) -> None:
        """Remember what was taken, and whether everything was looked at."""
        for row in rows:
            self._coming[row.level] = max(self._coming[row.level], row.seq)
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
    """Take up to `room` due jobs under a lease, of which at most `bulk_room` are bulk work.

    `holder` is the number whose lock this worker's life holds, if it can hold one.
    """
    marks = marks or Marks()
    start = marks.begin()
    session.connection().execute(_PROMOTE, {"kinds": list(kinds), "is_sweep": marks.is_sweep})
    bulk = room if bulk_room is None else min(room, bulk_room)
    values = {
        "worker": worker,
        "kinds": list(kinds),
        "room": room,
        "lease": lease_seconds,
        "holder": holder,
        "levels": list(LEVELS),
        "marks": [start[level] for level in LEVELS],
        "rooms": [bulk if level == BULK_LEVEL else room for level in LEVELS],
    }
    rows = session.connection().execute(_CLAIM, values).all()
    marks.took(rows)
    return [_claimed(row) for row in rows]


def seconds_to_next(session: Session, kinds: Sequence[str], *, is_sweep: bool = True) -> float | None:
    """Seconds until the next scheduled job is due, negative if one already is; None without any."""
    return session.connection().execute(_NEXT_DUE, {"kinds": list(kinds), "is_sweep": is_sweep}).scalar()


def _claimed(row: Row[tuple[object, ...]]) -> ClaimedJob:
    return ClaimedJob(
        id=row.id,
        kind=row.kind,
        args=row.args,
        orchestration_id=str(row.orchestration_id) if row.orchestration_id else None,
        agent_id=row.agent_id,
        attempt=row.attempts,
        max_attempts=row.max_attempts,
        lease_token=row.lease_token,
        is_bulk=row.level == BULK_LEVEL,
    )
