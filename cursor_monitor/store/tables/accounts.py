"""The accounts at Cursor whose keys the product uses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Computed, Text
from sqlmodel import Field, SQLModel


class CursorAccount(SQLModel, table=True):
    """One key at Cursor, sealed; the row of the environment's key holds none."""

    __tablename__ = "cursor_accounts"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    api_url: str | None = Field(default=None, sa_type=Text)
    key_sealed: str | None = Field(default=None, sa_type=Text)
    key_fingerprint: str | None = Field(default=None, sa_type=Text)
    key_last4: str | None = Field(default=None, sa_type=Text)
    key_version: int = 1
    is_default: bool = False
    is_paused: bool = False
    refusal_kind: str | None = Field(default=None, sa_type=Text)
    refusal_code: str | None = Field(default=None, sa_type=Text)
    refusal_message: str | None = Field(default=None, sa_type=Text)
    refused_at: datetime | None = None
    status: str = Field(default="active", sa_column=Column(Text, Computed("'active'")))
    requests_per_minute: int | None = None
    max_parallel_agents: int | None = None
    max_agents_per_day: int | None = None
    max_followups_per_day: int | None = None
    max_cents_per_day: int | None = None
    key_name: str | None = Field(default=None, sa_type=Text)
    owner_email: str | None = Field(default=None, sa_type=Text)
    owner_name: str | None = Field(default=None, sa_type=Text)
    checked_at: datetime | None = None
    last_ok_at: datetime | None = None
    created_by: str | None = Field(default=None, sa_type=Text)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
