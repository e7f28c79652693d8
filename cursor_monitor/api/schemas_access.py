"""What the API reads and answers about people, sessions, tokens and the audit log."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cursor_monitor.api.bodies import Body, Text
from cursor_monitor.api.schemas_base import Answer, Time
from cursor_monitor.domain.access import NAME_MOST, PASSWORD_LEAST, PASSWORD_MOST, TOKEN_DAYS_MOST

RoleName = Literal["viewer", "operator", "admin"]


def _password() -> Any:
    extra: dict[str, Any] = {"minLength": PASSWORD_LEAST, "maxLength": PASSWORD_MOST}
    return Field(max_length=1000, description="A few words make a good one.", json_schema_extra=extra)


class UserBody(Body):
    """Somebody new."""

    email: Text = Field(description="What they sign in with.")
    name: Text | None = Field(default=None, description="What people call them.")
    role: RoleName
    password: Text | None = Field(
        default=None,
        max_length=1000,
        description="A few words make a good one; left out, they sign in with Supabase, where that is configured.",
        json_schema_extra={"minLength": PASSWORD_LEAST, "maxLength": PASSWORD_MOST},
    )


class UserChangeBody(Body):
    """What becomes different; what is left out stays."""

    role: RoleName | None = None
    is_disabled: bool | None = Field(default=None, description="Shut out, and signed out everywhere.")


class PasswordBody(Body):
    """A new password for somebody else."""

    password: Text = _password()


class OwnPasswordBody(Body):
    """A new password for oneself."""

    old_password: Text = Field(max_length=1000)
    new_password: Text = _password()


class TokenBody(Body):
    """A new API token."""

    name: Text = Field(description="What it is for.", json_schema_extra={"minLength": 1, "maxLength": NAME_MOST})
    role: RoleName = Field(description="At most one's own.")
    days: int | None = Field(
        default=None,
        description="How long it works; 90 where absent.",
        json_schema_extra={"minimum": 1, "maximum": TOKEN_DAYS_MOST},
    )


class Caller(Answer):
    """Who a request is for."""

    kind: str = Field(description="`local`, `session` or `token`.")
    name: str
    role: str


class Made(Answer):
    """What was made."""

    id: str


class MadeToken(Answer):
    """A token, shown this once."""

    id: str
    token: str


class User(Answer):
    """Somebody who may sign in."""

    id: str
    email: str
    name: str
    role: str
    provider: str
    is_disabled: bool
    created_at: Time
    signed_in_at: Time | None


class UserSession(Answer):
    """A browser in which somebody is signed in."""

    id: str
    email: str
    ip: str | None
    user_agent: str | None
    created_at: Time
    seen_at: Time
    expires_at: Time
    is_this: bool


class Token(Answer):
    """An API token, without the token."""

    id: str
    name: str
    prefix: str
    role: str
    created_by: str
    created_at: Time
    expires_at: Time
    used_at: Time | None
    revoked_at: Time | None


class AuditEntry(Answer):
    """Something that somebody did or tried to."""

    id: int
    at: Time
    actor: str
    kind: str
    action: str
    subject: str | None
    outcome: str
    details: dict[str, Any]
    ip: str | None
