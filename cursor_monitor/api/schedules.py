"""Schedules: orchestrations that are launched by the clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import Body, LaunchOrchestrationBody, Text
from cursor_monitor.api.deps import Cursor, Limit, errors, require_json, writing_errors
from cursor_monitor.api.schemas_base import Answer, Time
from cursor_monitor.domain.schedules import Missed, Overlap
from cursor_monitor.queries import schedules as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import schedules as services
from cursor_monitor.services.caller import caller_name

router = APIRouter(prefix="/schedules", tags=["schedules"])
ScheduleId = Annotated[Text, Path(description="The id of a schedule.")]
Action = Annotated[Literal["pause", "resume", "run-now"], Path(description="What to do.")]
_ACTIONS = {"pause": services.pause, "resume": services.resume, "run-now": services.run_now}


def _given(description: str, **schema: Any) -> Any:
    return Field(default=None, description=description, json_schema_extra=schema or None)


class ScheduleBody(Body):
    """A request, and when it is made."""

    name: Text = Field(description="What people call it.", json_schema_extra={"minLength": 1, "maxLength": 100})
    cron: Text = Field(
        description="Minute, hour, day of the month, month, day of the week (0 and 7 are Sunday): 0 9 * * mon-fri.",
        json_schema_extra={"minLength": 9, "maxLength": 100},
    )
    request: LaunchOrchestrationBody
    time_zone: Text | None = _given("On whose clock; UTC where absent.", maxLength=64)
    missed: Text | None = _given("Firings while no worker ran; once where absent.", enum=[*map(str, Missed), None])
    overlap: Text | None = _given(
        "While an earlier one has not ended; skip where absent.", enum=[*map(str, Overlap), None]
    )
    max_per_day: int | None = _given("Launches within 24 hours; 24 where absent.", minimum=1, maximum=1440)


class Firing(Answer):
    """One time that a schedule came due."""

    fire_at: Time
    status: str = Field(description="launched, skipped or failed.")
    orchestration_id: str | None
    reason: str | None
    is_by_hand: bool


class Schedule(Answer):
    """A schedule with its newest firings; `next_run_at` is null while it is paused."""

    id: str
    name: str
    cron: str
    time_zone: str
    request: dict[str, Any]
    missed: str
    overlap: str
    max_per_day: int
    is_enabled: bool
    next_run_at: Time | None
    firings: list[Firing]
    changed_by: str
    created_at: Time
    updated_at: Time


@router.get("", response_model=schemas.Listing[Schedule], responses=errors())
def list_schedules() -> Page[queries.ScheduleRow]:
    """Every schedule, by name."""
    return Page(queries.list_schedules())


@router.post(
    "",
    status_code=201,
    response_model=Schedule,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def create(body: ScheduleBody, response: Response) -> queries.ScheduleRow:
    """Add a schedule, which fires from now on."""
    made = services.create(body.given(), by=caller_name())
    response.headers["Location"] = f"{routes.API}/schedules/{made}"
    return queries.get_schedule(made)


@router.get("/{schedule_id}", response_model=Schedule, responses=errors(404))
def get_schedule(schedule_id: ScheduleId) -> queries.ScheduleRow:
    """One schedule."""
    return queries.get_schedule(schedule_id)


@router.put(
    "/{schedule_id}", response_model=Schedule, responses=writing_errors(404, 415), dependencies=[Depends(require_json)]
)
def replace(schedule_id: ScheduleId, body: ScheduleBody) -> queries.ScheduleRow:
    """Put another in its place; it goes on from now."""
    services.replace(schedule_id, body.given(), by=caller_name())
    return queries.get_schedule(schedule_id)


@router.delete("/{schedule_id}", status_code=204, responses=writing_errors(404))
def delete(schedule_id: ScheduleId) -> None:
    """Forget it and its firings; what it launched stays."""
    services.delete(schedule_id, by=caller_name())


@router.get("/{schedule_id}/firings", response_model=schemas.Listing[Firing], responses=errors(404))
def list_firings(schedule_id: ScheduleId, cursor: Cursor = None, limit: Limit = 50) -> Page[queries.FiringRow]:
    """What came of it in the last 90 days, the newest first."""
    return queries.list_firings(schedule_id, cursor=cursor, limit=limit)


@router.post("/{schedule_id}/{action}", response_model=Schedule, responses=writing_errors(404, 409))
def act(schedule_id: ScheduleId, action: Action) -> queries.ScheduleRow:
    """Let it fire no more, let it fire again, or launch what it launches now."""
    _ACTIONS[action](schedule_id, by=caller_name())
    return queries.get_schedule(schedule_id)
