"""The outbox, read: a page of jobs, and one job whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.jobs import BULK_LEVEL, JobKind
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.store import job_admin as store
from cursor_monitor.store import tables
from cursor_monitor.store.database import reading

_SECRET = re.compile(r"token|secret|password|api_?key|authorization|credential", re.IGNORECASE)
_MAX_ID = 2**63 - 1
_KINDS = frozenset(JobKind)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in a list; `waiting_for` is time, retry, turn, worker, bulk_slot or newer_version while it is pending.

    `error` is its newest.
    """

    id: int
    kind: str
    status: str
    waiting_for: str | None
    priority: int
    attempts: int
    max_attempts: int
    orchestration_id: str | None
    agent_id: str | None
    error: str | None
    leased_by: str | None
    leased_until: datetime | None
    next_run_at: datetime
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobDetail:
    """A job whole: every error there was, the oldest first; nothing secret in `args`."""

    job: JobRow
    args: dict[str, Any]
    dedupe_key: str | None
    errors: tuple[dict[str, Any], ...]
    controls: tuple[str, ...]


def list_jobs(
    *, status: str | None = None, kind: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[JobRow]:
    """The newest jobs, those of a status or kind; raises Invalid for a wrong cursor or limit."""
    check_limit(limit)
    before = _before(cursor)
    with reading() as session:
        found = store.select_page(session, status=status or None, kind=kind or None, before=before, limit=limit + 1)
        rows = tuple(_row(job) for job in found)
    following = encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
    return Page(rows[:limit], following)


def get_job(job_id: int) -> JobDetail:
    """One job; raises NotFound."""
    with reading() as session:
        job = store.find(session, job_id)
        if job is None:
            raise NotFound(f"No job has the id {job_id}.")
        return JobDetail(_row(job), _readable(job.args), job.dedupe_key, tuple(job.errors), _controls(job))


def _before(cursor: str | None) -> int | None:
    position = decode_cursor(cursor, 1)
    if position is None:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", position[0], re.ASCII) or int(position[0]) > _MAX_ID:
        raise Invalid("cursor", "is not one that this server gave out; start again without it")
    return int(position[0])


def _waiting_for(job: tables.Job) -> str | None:
    if job.status != "pending":
        return None
    if job.kind not in _KINDS:
        return "newer_version"
    if job.ready_seq is not None:
        return "bulk_slot" if job.level == BULK_LEVEL else "worker"
    if job.concurrency_key is not None and job.next_run_at <= datetime.now(UTC):
        return "turn"
    return "retry" if job.attempts and job.errors else "time"


def _controls(job: tables.Job) -> tuple[str, ...]:
    match job.status:
        case "pending":
            return ("discard",) if job.ready_seq is not None else ("run-now", "discard")
        case "processing":
            return ("discard",)
        case "failed":
            return ("retry", "discard")
        case "cancelled":
            return ("retry",)
        case _:
            return ()


def _readable(args: Any) -> dict[str, Any]:
    """What is no object is shown all the same: such a job is a dead letter that somebody has to understand."""
    return _without_secrets(args if isinstance(args, dict) else {"unreadable": args})


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "•••" if _SECRET.search(name) else _without_secrets(part) for name, part in value.items()}
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


def _row(job: tables.Job) -> JobRow:
    return JobRow(
        id=job.id,
        kind=job.kind,
        status=job.status,
        waiting_for=_waiting_for(job),
        priority=job.priority,
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        orchestration_id=str(job.orchestration_id) if job.orchestration_id else None,
        agent_id=job.agent_id,
        error=job.errors[-1]["error"] if job.errors else None,
        leased_by=job.leased_by,
        leased_until=job.leased_until,
        next_run_at=job.next_run_at,
        created_at=job.created_at,
        finished_at=job.finished_at,
    )
