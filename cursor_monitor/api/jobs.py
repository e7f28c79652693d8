"""The outbox: look through it, try again, run now, discard; one by one or many at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from cursor_monitor.api import schemas, schemas_queue
from cursor_monitor.api.bodies import BulkJobsBody
from cursor_monitor.api.deps import (
    MAX_ROW_ID,
    Cursor,
    Filter,
    Limit,
    StatusFilter,
    errors,
    require_json,
    writing_errors,
)
from cursor_monitor.domain.jobs import JobAction
from cursor_monitor.queries import jobs as queries
from cursor_monitor.queries import queue
from cursor_monitor.queries.page import Page
from cursor_monitor.services import jobs as services

router = APIRouter(prefix="/jobs", tags=["jobs"])

JobId = Annotated[int, Path(ge=1, le=MAX_ROW_ID, description="The number of a job.")]
KindFilter = Annotated[Filter, Query(description="Only those of this kind.")]


@router.get("", response_model=schemas.Listing[schemas.JobLine], responses=errors())
def list_jobs(
    status: StatusFilter = None, kind: KindFilter = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[queries.JobRow]:
    """The newest first."""
    return queries.list_jobs(status=status, kind=kind, cursor=cursor, limit=limit)


@router.get("/summary", response_model=schemas_queue.Queue, responses=errors())
def get_summary() -> schemas_queue.Queue:
    """How many jobs of each kind are due, running, scheduled or dead, and the last hour by the minute."""
    found = queue.get_queue()
    return schemas_queue.Queue.model_validate({**asdict(found), "oldest_due_seconds": found.oldest_due_seconds})


@router.get("/{job_id}", response_model=schemas.Job, responses=errors(404))
def get_job(job_id: JobId) -> schemas.Job:
    """One job, whole."""
    return _whole(job_id)


@router.post("/{job_id}/retry", response_model=schemas.Job, responses=writing_errors(404, 409))
def retry(job_id: JobId) -> schemas.Job:
    """Try a failed or cancelled job again, with all its attempts."""
    return _changed(job_id, JobAction.RETRY)


@router.post("/{job_id}/run-now", response_model=schemas.Job, responses=writing_errors(404, 409))
def run_now(job_id: JobId) -> schemas.Job:
    """Do not wait for the time of a scheduled job."""
    return _changed(job_id, JobAction.RUN_NOW)


@router.post("/{job_id}/discard", response_model=schemas.Job, responses=writing_errors(404, 409))
def discard(job_id: JobId) -> schemas.Job:
    """Cancel a job that waits, runs or failed; a worker that runs it writes nothing more and stops soon."""
    return _changed(job_id, JobAction.DISCARD)


@router.post(
    "/bulk",
    response_model=schemas.BulkJobs,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def bulk(body: BulkJobsBody) -> Any:
    """Count the jobs that an action would change or, with that number as `expected_count`, change them."""
    action = JobAction(body.action)
    ids = None if body.ids is None else tuple(body.ids)
    choice = services.Choice(ids, body.status, body.kind)
    if body.expected_count is None:
        return {"count": services.count(action, choice), "is_done": False}
    return {"count": services.change_all(action, body.expected_count, choice), "is_done": True}


def _changed(job_id: int, action: JobAction) -> schemas.Job:
    services.change(job_id, action)
    return _whole(job_id)


def _whole(job_id: int) -> schemas.Job:
    rest = asdict(queries.get_job(job_id))
    return schemas.Job.model_validate({**rest.pop("job"), **rest})
