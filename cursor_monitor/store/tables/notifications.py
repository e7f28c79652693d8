"""The ways out to people, and what went over them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class NotificationChannel(SQLModel, table=True):
    """Where some notifications go; address and secret sealed."""

    __tablename__ = "notification_channels"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    target_sealed: str = Field(sa_type=Text)
    target_hint: str = Field(sa_type=Text)
    secret_sealed: str | None = Field(default=None, sa_type=Text)
    events: list[str] = Field(sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    repository: str | None = Field(default=None, sa_type=Text)
    per_minute: int
    is_enabled: bool = True
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = Field(default=None, sa_type=Text)
    created_by: str = Field(sa_type=Text)
    created_at: datetime
    updated_at: datetime


class NotificationDelivery(SQLModel, table=True):
    """One notification to one channel."""

    __tablename__ = "notification_deliveries"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    channel_id: UUID
    kind: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    notice: dict[str, Any] = Field(sa_type=JSONB)
    status: str = Field(sa_type=Text)
    attempts: int = 0
    error: str | None = Field(default=None, sa_type=Text)
    created_at: datetime
    tried_at: datetime | None = None
    finished_at: datetime | None = None
