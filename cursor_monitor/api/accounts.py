"""The accounts at Cursor: a key goes in and never comes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response

from cursor_monitor import routes
from cursor_monitor.api import schemas
from cursor_monitor.api.bodies import AccountBody, AccountChangeBody, AccountKeyBody, Text
from cursor_monitor.api.deps import errors, require_json, writing_errors
from cursor_monitor.queries import accounts as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import account_limits
from cursor_monitor.services import accounts as services
from cursor_monitor.services.caller import caller_name

router = APIRouter(prefix="/accounts", tags=["accounts"])
AccountId = Annotated[Text, Path(description="The id of an account.")]
Action = Literal["pause", "resume", "check", "default"]
_ACTIONS = {
    "pause": services.pause,
    "resume": services.resume,
    "check": services.check,
    "default": services.choose_default,
}


@router.get("", response_model=schemas.Listing[schemas.Account], responses=errors())
def list_accounts() -> Page[queries.AccountRow]:
    """Every account, the environment's first; of its key the last four characters."""
    return Page(queries.list_accounts())


@router.post(
    "",
    status_code=201,
    response_model=schemas.Account,
    responses=writing_errors(409, 415),
    dependencies=[Depends(require_json)],
)
def create(body: AccountBody, response: Response) -> Any:
    """Add an account once Cursor has accepted its key, which takes a few seconds at most."""
    made = services.create(body.given(), by=caller_name())
    response.headers["Location"] = f"{routes.API}/accounts/{made}"
    return queries.get_account(made)


@router.get("/{account_id}", response_model=schemas.Account, responses=errors(404))
def get_account(account_id: AccountId) -> queries.AccountRow:
    """One account."""
    return queries.get_account(account_id)


@router.patch(
    "/{account_id}",
    response_model=schemas.Account,
    responses=writing_errors(404, 415),
    dependencies=[Depends(require_json)],
)
def change(account_id: AccountId, body: AccountChangeBody) -> queries.AccountRow:
    """Rename it, or give it other limits."""
    if body.name is not None:
        services.rename(account_id, body.name, by=caller_name())
    if "requests_per_minute" in body.model_fields_set:
        services.limit_rate(account_id, body.requests_per_minute, by=caller_name())
    wanted = body.model_fields_set & account_limits.LIMITS.keys()
    account_limits.set_limits(account_id, {name: getattr(body, name) for name in wanted}, by=caller_name())
    return queries.get_account(account_id)


@router.put(
    "/{account_id}/key",
    response_model=schemas.Account,
    responses=writing_errors(404, 409, 415),
    dependencies=[Depends(require_json)],
)
def replace_key(account_id: AccountId, body: AccountKeyBody) -> queries.AccountRow:
    """Use another key once Cursor has accepted it; what waited for the account goes on."""
    services.replace_key(account_id, body.key, by=caller_name())
    return queries.get_account(account_id)


@router.post("/{account_id}/{action}", response_model=schemas.Account, responses=writing_errors(404, 409))
def act(account_id: AccountId, action: Action) -> queries.AccountRow:
    """Pause it, use it again, have it checked now, or make it the one that is used where none is named."""
    _ACTIONS[action](account_id, by=caller_name())
    return queries.get_account(account_id)


@router.delete("/{account_id}", status_code=204, responses=writing_errors(404, 409))
def delete(account_id: AccountId) -> None:
    """Forget its key; refused with the reason while agents or orchestrations need it."""
    services.delete(account_id, by=caller_name())
