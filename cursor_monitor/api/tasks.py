"""The tasks of an orchestration: look at, retry, skip, send a follow-up."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import FollowupBody
from cursor_monitor.api.deps import (
    AtSeq,
    IdempotencyKey,
    OrchestrationId,
    TaskKey,
    errors,
    require_json,
    writing_errors,
)
from cursor_monitor.domain.errors import NotFound
from cursor_monitor.queries import history
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import orchestrations as services
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.task_followup import followup_task

router = APIRouter(prefix="/orchestrations/{orchestration_id}/tasks", tags=["tasks"])


@router.get("", response_model=schemas.Listing[schemas.Task], responses=errors(404))
def list_tasks(orchestration_id: OrchestrationId, at_seq: AtSeq = None) -> Page[queries.TaskRow]:
    """All tasks, in the order of the plan."""
    if at_seq is not None:
        return Page(history.get_as_of(orchestration_id, at_seq).tasks)
    return Page(queries.list_tasks(orchestration_id))


@router.post("/{key}/retry", status_code=202, response_model=schemas.Task, responses=writing_errors(404, 409))
def retry(orchestration_id: OrchestrationId, key: TaskKey) -> Any:
    """Try one task again."""
    services.retry_task(orchestration_id, key, by=caller_name())
    return _task(orchestration_id, key)


@router.post("/{key}/skip", status_code=202, response_model=schemas.Task, responses=writing_errors(404, 409))
def skip(orchestration_id: OrchestrationId, key: TaskKey) -> Any:
    """Do without one task."""
    services.skip_task(orchestration_id, key, by=caller_name())
    return _task(orchestration_id, key)


@router.post("/{key}/keep", status_code=202, response_model=schemas.Task, responses=writing_errors(404, 409))
def keep(orchestration_id: OrchestrationId, key: TaskKey) -> Any:
    """Keep this one of several candidates, where a person is to choose; the others' agents are archived."""
    services.keep_candidate(orchestration_id, key, by=caller_name())
    return _task(orchestration_id, key)


@router.post(
    "/{key}/followup",
    status_code=202,
    response_model=schemas.Task,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def followup(
    orchestration_id: OrchestrationId, key: TaskKey, body: FollowupBody, idempotency_key: IdempotencyKey = None
) -> Any:
    """Send a further prompt to the agent of one task."""
    followup_task(orchestration_id, key, body.prompt, by=caller_name(), idempotency_key=idempotency_key)
    return _task(orchestration_id, key)


def _task(orchestration_id: str, key: str) -> queries.TaskRow:
    for task in queries.list_tasks(orchestration_id):
        if task.key == key:
            return task
    raise NotFound(f"The orchestration has no task {key[:60]}.")
