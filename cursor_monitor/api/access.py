"""Who may come in: people, sessions, API tokens, and what everybody did."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from cursor_monitor.api import schemas_access as schemas
from cursor_monitor.api.bodies import Text
from cursor_monitor.api.deps import Cursor, Filter, Limit, errors, require_json, writing_errors
from cursor_monitor.api.schemas import Listing
from cursor_monitor.queries import access as queries
from cursor_monitor.queries.page import Page
from cursor_monitor.services import tokens, users
from cursor_monitor.services.caller import current_caller

router = APIRouter(tags=["access"])
_JSON = [Depends(require_json)]

UserId = Annotated[Text, Path(description="The id of a user.")]
TokenId = Annotated[Text, Path(description="The id of an API token.")]
SessionId = Annotated[Text, Path(description="The id of a session.")]


@router.get("/whoami", response_model=schemas.Caller, responses=errors())
def whoami() -> Any:
    """Who this request is for, and what they may do."""
    return current_caller()


@router.get("/users", response_model=Listing[schemas.User], responses=errors())
def list_users() -> Any:
    """Everybody who may sign in."""
    return Page(queries.list_users())


@router.post(
    "/users", status_code=201, response_model=schemas.Made, responses=writing_errors(409, 415, 429), dependencies=_JSON
)
def add_user(body: schemas.UserBody) -> Any:
    """Let somebody sign in, with a password or with Supabase."""
    return {"id": users.add_user(body.email, body.name or "", body.role, body.password or "")}


@router.post("/users/{user_id}", status_code=204, responses=writing_errors(404, 409, 415), dependencies=_JSON)
def change_user(user_id: UserId, body: schemas.UserChangeBody) -> None:
    """Give another role, or shut out and let in again."""
    users.change_user(user_id, role=body.role, is_disabled=body.is_disabled)


@router.post(
    "/users/{user_id}/password", status_code=204, responses=writing_errors(404, 409, 415, 429), dependencies=_JSON
)
def reset_password(user_id: UserId, body: schemas.PasswordBody) -> None:
    """Give somebody a new password; it ends their sessions."""
    users.reset_password(user_id, body.password)


@router.post("/password", status_code=204, responses=writing_errors(409, 415, 429), dependencies=_JSON)
def change_password(body: schemas.OwnPasswordBody) -> None:
    """Change one's own password; it ends one's sessions."""
    users.change_password(body.old_password, body.new_password)


@router.get("/sessions", response_model=Listing[schemas.UserSession], responses=errors())
def list_sessions() -> Any:
    """One's own sessions, for an administrator everybody's."""
    return Page(queries.list_sessions(current_caller()))


@router.delete("/sessions/{session_id}", status_code=204, responses=writing_errors(404))
def end_session(session_id: SessionId) -> None:
    """Sign a browser out."""
    users.end_session(session_id)


@router.get("/tokens", response_model=Listing[schemas.Token], responses=errors())
def list_tokens() -> Any:
    """One's own API tokens, for an administrator everybody's."""
    return Page(queries.list_tokens(current_caller()))


@router.post(
    "/tokens", status_code=201, response_model=schemas.MadeToken, responses=writing_errors(409, 415), dependencies=_JSON
)
def create_token(body: schemas.TokenBody) -> Any:
    """Make an API token; the answer is the only time it is shown."""
    return tokens.create_token(body.name, body.role, tokens.DEFAULT_DAYS if body.days is None else body.days)


@router.delete("/tokens/{token_id}", status_code=204, responses=writing_errors(404))
def revoke_token(token_id: TokenId) -> None:
    """End an API token at once."""
    tokens.revoke_token(token_id)


@router.get("/audit", response_model=Listing[schemas.AuditEntry], responses=errors())
def list_audit(
    actor: Annotated[Filter, Query(description="Only what this actor did.")] = None,
    action: Annotated[Filter, Query(description="Only actions that contain this.")] = None,
    outcome: Annotated[Filter, Query(description="`done`, `begun`, `refused` or `failed`.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Any:
    """What everybody did or tried to, the newest first."""
    return queries.list_audit(actor=actor, action=action, outcome=outcome, cursor=cursor, limit=limit)
