"""What is over: a partition for each day, made ahead, dropped whole when it is old."""

from __future__ import annotations

from typing import LiteralString

from sqlmodel import Session

from cursor_monitor.store import statements

DAYS_AHEAD = 3

# Another worker at it is enough; and nothing here may make the queue wait behind somebody's long transaction.
_BEGIN: LiteralString = "SET LOCAL lock_timeout = '500ms'"
_LOCK: LiteralString = "SELECT pg_try_advisory_xact_lock(7266202, 0)"
_ADD: LiteralString = """
SELECT count(*) FILTER (WHERE outbox_add_day((clock_timestamp() AT TIME ZONE 'UTC')::date + n))
FROM generate_series(0, %(ahead)s) AS n
"""
_DROP: LiteralString = "SELECT outbox_drop_days(clock_timestamp() - make_interval(hours => %(hours)s))"
_DELETE: LiteralString = """
WITH gone AS (
    DELETE FROM orchestration_outbox_history_rest WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM orchestration_outbox_history_rest
        WHERE finished_at IS NULL OR finished_at < clock_timestamp() - make_interval(hours => %(hours)s) LIMIT 5000))
    RETURNING 1)
SELECT count(*) FROM gone
"""


def prepare(session: Session) -> int:
    """Make the partitions of today and the next days; how many were not there."""
    return _alone(session, _ADD, {"ahead": DAYS_AHEAD})


def drop_old(session: Session, *, older_than_hours: int) -> int:
    """Drop the days that ended longer ago; how many."""
    return _alone(session, _DROP, {"hours": older_than_hours})


def delete_rest(session: Session, *, older_than_hours: int) -> int:
    """Delete what is older and lies in no day's partition, a bounded number at once; how many."""
    return statements.of(session)(_DELETE, {"hours": older_than_hours}).fetchall()[0][0]


def _alone(session: Session, statement: LiteralString, values: dict[str, int]) -> int:
    run = statements.of(session)
    session.connection().exec_driver_sql(_BEGIN)
    return run(statement, values).fetchall()[0][0] if run(_LOCK, {}).fetchall()[0][0] else 0
