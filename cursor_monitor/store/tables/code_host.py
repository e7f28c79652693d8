"""What the code host said of the agents' work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class CodeHostState(SQLModel, table=True):
    """Branch, pull request, checks and files of one agent's work, as last seen."""

    __tablename__ = "code_host_states"  # pyright: ignore[reportAssignmentType]

    agent_id: str = Field(primary_key=True, foreign_key="agents.id", sa_type=Text)
    repository: str = Field(sa_type=Text)
    branch: str | None = Field(default=None, sa_type=Text)
    head_sha: str | None = Field(default=None, sa_type=Text)
    pr_number: int | None = None
    pr_url: str | None = Field(default=None, sa_type=Text)
    pr_state: str | None = Field(default=None, sa_type=Text)
    mergeable: bool | None = None
    checks: list[dict[str, Any]] = Field(sa_type=JSONB)
    checks_total: int | None = None
    checks_summary: str = Field(sa_type=Text)
    changed_files: list[dict[str, Any]] = Field(sa_type=JSONB)
    files_total: int | None = None
    notes: list[str] = Field(sa_type=JSONB)
    answers: dict[str, Any] = Field(sa_type=JSONB)
    error_kind: str | None = Field(default=None, sa_type=Text)
    error_message: str | None = Field(default=None, sa_type=Text)
    error_at: datetime | None = None
    changed_at: datetime
    observed_at: datetime | None = None


class CodeHostLimit(SQLModel, table=True):
    """What one token may still ask, and how the code host last answered."""

    __tablename__ = "code_host_limits"  # pyright: ignore[reportAssignmentType]

    account: str = Field(primary_key=True, sa_type=Text)
    request_limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None
    blocked_until: datetime | None = None
    requests: int = Field(default=0, sa_type=BigInteger)
    unchanged: int = Field(default=0, sa_type=BigInteger)
    refused: int = Field(default=0, sa_type=BigInteger)
    ok_at: datetime | None = None
    error_kind: str | None = Field(default=None, sa_type=Text)
    error_message: str | None = Field(default=None, sa_type=Text)
    error_at: datetime | None = None
