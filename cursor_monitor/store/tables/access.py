"""Who may come in: people, their sessions, API tokens, tries to sign in, and what everybody did."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class User(SQLModel, table=True):
    """A person; without a password hash they sign in elsewhere."""

    __tablename__ = "users"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    provider: str = Field(default="local", sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    is_disabled: bool = False
    created_at: datetime
    signed_in_at: datetime | None = None


class UserSession(SQLModel, table=True):
    """A browser in which a person is signed in."""

    __tablename__ = "user_sessions"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    token_hash: str = Field(sa_type=Text)
    user_id: UUID = Field(foreign_key="users.id")
    ip: str | None = Field(default=None, sa_type=Text)
    user_agent: str | None = Field(default=None, sa_type=Text)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class ApiToken(SQLModel, table=True):
    """A key for a program; only its hash and its first characters are kept."""

    __tablename__ = "api_tokens"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    token_hash: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    user_id: UUID | None = Field(default=None, foreign_key="users.id")
    created_by: str = Field(sa_type=Text)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class SignInLimit(SQLModel, table=True):
    """How often somebody tried to sign in within the present window."""

    __tablename__ = "sign_in_limits"  # pyright: ignore[reportAssignmentType]

    key: str = Field(primary_key=True, sa_type=Text)
    tries: int
    resets_at: datetime


class AuditEntry(SQLModel, table=True):
    """Something that somebody did or tried to."""

    __tablename__ = "audit_log"  # pyright: ignore[reportAssignmentType]

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    at: datetime
    actor: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    outcome: str = Field(sa_type=Text)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    ip: str | None = Field(default=None, sa_type=Text)
