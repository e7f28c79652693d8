"""What a person does to jobs: try again, bring forward, give up; one by one or many at once."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, NotFound
from cursor_monitor.domain.jobs import JobAction
from cursor_monitor.store import job_admin
from cursor_monitor.store.database import transactional
from cursor_monitor.store.job_admin import Choice

_WHY_NOT = {
    JobAction.RETRY: "only a failed or cancelled job can be tried again, and not beside a newer one for the same work",
    JobAction.RUN_NOW: "only a job that waits for its time can be brought forward",
    JobAction.DISCARD: "it has already ended",
}


@transactional
def change(session: Session, job_id: int, action: JobAction) -> None:
    """Do so to one job; raises NotFound, Conflict where it makes no sense now."""
    if job_admin.apply(session, action, Choice(id=job_id)):
        return
    job = job_admin.find(session, job_id)
    if job is None:
        raise NotFound(f"No job has the id {job_id}.")
    raise Conflict(f"The job is {job.status}: {_WHY_NOT[action]}.", code="job_state")


@transactional
def count(session: Session, action: JobAction, *, status: str | None = None, kind: str | None = None) -> int:
    """How many jobs change_all() would change now."""
    return job_admin.count(session, action, Choice(status=status, kind=kind))


@transactional
def change_all(
    session: Session, action: JobAction, expected: int, *, status: str | None = None, kind: str | None = None
) -> int:
    """Do so to all of these jobs; raises Conflict, and changes none, where they are not as many as expected."""
    changed = job_admin.apply(session, action, Choice(status=status, kind=kind))
    if changed != expected:
        raise Conflict(
            f"There are {changed} such jobs by now, not {expected}; look again.", code="count_changed", count=changed
        )
    return changed
