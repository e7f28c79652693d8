"""Many agents at once: first the count, then the deed."""

from __future__ import annotations

from dataclasses import fields

from fastapi import APIRouter, Depends

from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import BulkAgentsBody
from cursor_monitor.api.deps import require_json, writing_errors
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.fleet import BulkAction, FleetFilter
from cursor_monitor.services import bulk as services
from cursor_monitor.services.caller import caller_name, personal

router = APIRouter(prefix="/agents", tags=["agents"])


@router.post(
    "/bulk",
    response_model=schemas.BulkAgents,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def act_on_many(body: BulkAgentsBody) -> services.Outcome:
    """Say what would be done; with `expected_count` and `batch_id`, do it. All of it is recorded, or nothing."""
    wanted = services.Wanted(
        action=BulkAction(body.action),
        ids=None if body.ids is None else tuple(body.ids),
        filter=None if body.filter is None else _filter(body),
        prompt=body.prompt,
        tag=body.tag,
    )
    if body.expected_count is None:
        return services.look(wanted)
    if body.batch_id is None:
        raise Invalid("batch_id", "is missing; give a UUID that you make up, so that a repetition is known as one")
    return services.act(wanted, expected=body.expected_count, batch_id=body.batch_id, by=caller_name())


def _filter(body: BulkAgentsBody) -> FleetFilter:
    asked = {field.name: getattr(body.filter, field.name) for field in fields(FleetFilter) if field.name != "pins_of"}
    return FleetFilter(**asked, pins_of=personal())
