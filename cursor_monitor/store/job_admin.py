"""The outbox as a person sees it: looked through, tried again, brought forward, given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlmodel import Session, col, select

from cursor_monitor.domain.jobs import JobAction
from cursor_monitor.store import notices, tables

_CHOSEN = """
(CAST(:ids AS bigint[]) IS NULL OR j.id = ANY(CAST(:ids AS bigint[])))
AND (CAST(:status AS text) IS NULL OR j.status = :status)
AND (CAST(:kind AS text) IS NULL OR j.kind = :kind)
"""

# Of several ended jobs with one key only the newest can live again, and only where none of them lives.
_POSSIBLE = {
    JobAction.RETRY: """
        j.status IN ('failed', 'cancelled') AND (j.dedupe_key IS NULL OR NOT (
            EXISTS (SELECT 1 FROM orchestration_outbox_live o WHERE o.dedupe_key = j.dedupe_key)
            OR EXISTS (SELECT 1 FROM orchestration_outbox_dead o WHERE o.dedupe_key = j.dedupe_key AND o.id > j.id)
            OR EXISTS (SELECT 1 FROM orchestration_outbox_history o
                       WHERE o.status = 'cancelled' AND o.dedupe_key = j.dedupe_key AND o.id > j.id)))
    """,
    JobAction.RUN_NOW: """
        j.status = 'pending' AND j.ready_seq IS NULL
        AND (j.concurrency_key IS NULL OR j.next_run_at > clock_timestamp())
    """,
    JobAction.DISCARD: "j.status IN ('pending', 'processing', 'failed')",
}
# Whoever shares a concurrency key waits for a turn all the same.
_READY = """
status = 'pending', next_run_at = clock_timestamp(), finished_at = NULL,
ready_seq = CASE WHEN j.concurrency_key IS NULL THEN nextval('ready_seq') END
"""
_CHANGE = {
    JobAction.RETRY: f"{_READY}, attempts = 0, rerun_at = NULL",
    JobAction.RUN_NOW: _READY,
    # Without its token the worker that still runs it writes nothing, and is told to stop.
    JobAction.DISCARD: """
        status = 'cancelled', finished_at = clock_timestamp(), ready_seq = NULL, rerun_at = NULL, lease_token = NULL,
        leased_by = NULL, leased_until = NULL, holder = NULL
    """,
}


def _statement(*parts: str) -> TextClause:
    return text(" ".join(parts))


_COUNT = {
    action: _statement("SELECT count(*) FROM orchestration_outbox_jobs j WHERE", _CHOSEN, "AND", possible)
    for action, possible in _POSSIBLE.items()
}
_APPLY = {
    action: _statement("UPDATE orchestration_outbox_jobs j SET", _CHANGE[action], "WHERE", _CHOSEN, "AND", possible)
    for action, possible in _POSSIBLE.items()
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs are meant: these, or all with that status and kind."""

    ids: tuple[int, ...] | None = None
    status: str | None = None
    kind: str | None = None

    def values(self) -> dict[str, Any]:
        """The parameters of the statements."""
        return {"ids": None if self.ids is None else list(self.ids), "status": self.status, "kind": self.kind}


def find(session: Session, job_id: int) -> tables.Job | None:
    """One job."""
    return session.get(tables.Job, job_id)


def select_page(
    session: Session, *, status: str | None, kind: str | None, before: int | None, limit: int
) -> Sequence[tables.Job]:
    """Jobs, the newest first."""
    query = select(tables.Job)
    if status is not None:
        query = query.where(tables.Job.status == status)
    if kind is not None:
        query = query.where(tables.Job.kind == kind)
    if before is not None:
        query = query.where(tables.Job.id < before)
    return session.exec(query.order_by(col(tables.Job.id).desc()).limit(limit)).all()


def count(session: Session, action: JobAction, choice: Choice) -> int:
    """How many of these jobs the action would change now."""
    return session.connection().execute(_COUNT[action], choice.values()).scalar_one()


def apply(session: Session, action: JobAction, choice: Choice) -> int:
    """Do so; how many it changed."""
    changed = session.connection().execute(_APPLY[action], choice.values()).rowcount
    if changed:
        notices.announce(session, "jobs")
        (notices.stop_holders if action is JobAction.DISCARD else notices.wake_workers)(session)
    return changed
