"""What a person does to jobs: try again, bring forward, give up; one by one or many at once."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.jobs import IDS_LIMIT, MAX_JOB_ID, JobAction
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
    if job_admin.apply(session, action, Choice(ids=(job_id,))):
        return
    job = job_admin.find(session, job_id)
    if job is None:
        raise NotFound(f"No job has the id {job_id}.")
    raise Conflict(f"The job is {job.status}: {_WHY_NOT[action]}.", code="job_state")


@transactional
def count(session: Session, action: JobAction, choice: Choice) -> int:
    """How many jobs change_all() would change now; raises Invalid for ids that cannot be."""
    _check(choice)
    return job_admin.count(session, action, choice)


@transactional
def change_all(session: Session, action: JobAction, expected: int, choice: Choice) -> int:
    """Do so to all of these jobs; raises Conflict, and changes none, where they are not as many as expected."""
    _check(choice)
    changed = job_admin.apply(session, action, choice)
    if changed != expected:
        raise Conflict(
            f"There are {changed} such jobs by now, not {expected}; look again.", code="count_changed", count=changed
        )
    return changed


def _check(choice: Choice) -> None:
    if choice.ids is None:
        return
    if not 0 < len(choice.ids) <= IDS_LIMIT:
        raise Invalid("ids", f"must name 1 to {IDS_LIMIT} jobs, not {len(choice.ids)}; more are chosen by a filter")
    if not all(0 < one <= MAX_JOB_ID for one in choice.ids):
        raise Invalid("ids", "must be numbers of jobs, as the list gives them")
