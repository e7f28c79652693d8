"""Orchestrations: launch, list, look at, control."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Response

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import ApproveBody, BudgetBody, LaunchOrchestrationBody, PlanBody
from cursor_monitor.api.deps import (
    AccountFilter,
    AtSeq,
    Cursor,
    EndedFilter,
    IdempotencyKey,
    Limit,
    ModeFilter,
    OrchestrationId,
    RepositoryFilter,
    Search,
    StatusFilter,
    errors,
    require_json,
    writing_errors,
)
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.queries import history
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import orchestrations as services
from cursor_monitor.services import plans
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.dry_run import dry_run

router = APIRouter(prefix="/orchestrations", tags=["orchestrations"])


@router.post(
    "",
    status_code=202,
    response_model=schemas.Orchestration,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def launch(body: LaunchOrchestrationBody, response: Response, idempotency_key: IdempotencyKey = None) -> Any:
    """Record a new orchestration; a worker starts it. `status` is that of the acceptance."""
    made = services.launch(body.given(), by=caller_name(), idempotency_key=idempotency_key)
    response.headers["Location"] = f"{routes.API}/orchestrations/{made}"
    return replace(queries.get_orchestration(made), status=str(OrchestrationStatus.QUEUED))


@router.post(
    "/dry-run",
    response_model=schemas.Plan,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def try_out(body: LaunchOrchestrationBody) -> Any:
    """What a launch with this body would do; launches and records nothing."""
    return dry_run(body.given())


@router.get("", response_model=schemas.Listing[schemas.OrchestrationLine], responses=errors())
def list_orchestrations(
    status: StatusFilter = None,
    mode: ModeFilter = None,
    repository: RepositoryFilter = None,
    q: Search = None,
    account: AccountFilter = None,
    ended: EndedFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[queries.OrchestrationRow]:
    """The newest first."""
    return queries.list_orchestrations(
        status=status, mode=mode, repository=repository, q=q, account=account, ended=ended, cursor=cursor, limit=limit
    )


@router.get("/{orchestration_id}", response_model=schemas.Orchestration, responses=errors(404))
def get_orchestration(orchestration_id: OrchestrationId, at_seq: AtSeq = None) -> Any:
    """One orchestration, whole; without controls where it is shown as it was."""
    if at_seq is not None:
        return history.get_as_of(orchestration_id, at_seq).detail
    return queries.get_orchestration(orchestration_id)


_CONTROL: dict[str, Any] = {
    "status_code": 202,
    "response_model": schemas.Orchestration,
    "responses": writing_errors(404, 409),
}


@router.post("/{orchestration_id}/pause", **_CONTROL)
def pause(orchestration_id: OrchestrationId) -> Any:
    """Start nothing new until resumed."""
    services.pause(orchestration_id, by=caller_name())
    return queries.get_orchestration(orchestration_id)


@router.post("/{orchestration_id}/resume", **_CONTROL)
def resume(orchestration_id: OrchestrationId) -> Any:
    """Go on after a pause or a block."""
    services.resume(orchestration_id, by=caller_name())
    return queries.get_orchestration(orchestration_id)


@router.post("/{orchestration_id}/budget", dependencies=[Depends(require_json)], **_CONTROL)
def set_budget(orchestration_id: OrchestrationId, body: BudgetBody) -> Any:
    """Give other limits in all; what one of them blocked goes on."""
    services.set_budget(orchestration_id, body.given(), by=caller_name())
    return queries.get_orchestration(orchestration_id)


@router.post("/{orchestration_id}/cancel", **_CONTROL)
def cancel(orchestration_id: OrchestrationId) -> Any:
    """Stop for good; live runs are cancelled."""
    services.cancel(orchestration_id, by=caller_name())
    return queries.get_orchestration(orchestration_id)


@router.post("/{orchestration_id}/retry", **_CONTROL)
def retry(orchestration_id: OrchestrationId) -> Any:
    """Try the tasks again that did not complete."""
    services.retry(orchestration_id, by=caller_name())
    return queries.get_orchestration(orchestration_id)


@router.post("/{orchestration_id}/approve", **_CONTROL)
def approve(orchestration_id: OrchestrationId, body: ApproveBody | None = None) -> Any:
    """Let an orchestration that waits for approval go on."""
    services.approve(orchestration_id, by=caller_name(), plan_hash=body.plan_hash if body else None)
    return queries.get_orchestration(orchestration_id)


@router.get("/{orchestration_id}/plan", response_model=schemas.Plan, responses=errors(404))
def get_plan(orchestration_id: OrchestrationId) -> Any:
    """The plan as it stands, and what it means."""
    return plans.get_plan(orchestration_id)


@router.put(
    "/{orchestration_id}/plan",
    response_model=schemas.Plan,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def edit_plan(orchestration_id: OrchestrationId, body: PlanBody) -> Any:
    """Put another plan in the place of the one that waits for approval."""
    plans.edit_plan(orchestration_id, body.given(), by=caller_name())
    return plans.get_plan(orchestration_id)
