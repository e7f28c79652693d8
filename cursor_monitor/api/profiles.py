"""Repository profiles: what holds for work in some repositories."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import Text
from cursor_monitor.api.deps import errors, require_json, writing_errors
from cursor_monitor.api.schemas_profiles import Profile, ProfileBody
from cursor_monitor.queries import profiles as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import profiles as services
from cursor_monitor.services.caller import caller_name

router = APIRouter(prefix="/profiles", tags=["profiles"])
ProfileId = Annotated[Text, Path(description="The id of a profile.")]


@router.get("", response_model=schemas.Listing[Profile], responses=errors())
def list_profiles() -> Page[queries.ProfileRow]:
    """Every profile, by pattern; of those that fit a repository the closest counts."""
    return Page(queries.list_profiles())


@router.post(
    "",
    status_code=201,
    response_model=Profile,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def create(body: ProfileBody, response: Response) -> queries.ProfileRow:
    """Add the rules for some repositories."""
    made = services.create(body.given(), by=caller_name())
    response.headers["Location"] = f"{routes.API}/profiles/{made}"
    return queries.get_profile(made)


@router.get("/{profile_id}", response_model=Profile, responses=errors(404))
def get_profile(profile_id: ProfileId) -> queries.ProfileRow:
    """One profile."""
    return queries.get_profile(profile_id)


@router.put(
    "/{profile_id}", response_model=Profile, responses=writing_errors(404, 415), dependencies=[Depends(require_json)]
)
def replace(profile_id: ProfileId, body: ProfileBody) -> queries.ProfileRow:
    """Put other rules in its place; work under way meets them with the next agent that is launched."""
    services.replace(profile_id, body.given(), by=caller_name())
    return queries.get_profile(profile_id)


@router.delete("/{profile_id}", status_code=204, responses=writing_errors(404))
def delete(profile_id: ProfileId) -> None:
    """Forget the rules; what was launched under them keeps the checks and paths it was given."""
    services.delete(profile_id, by=caller_name())
