"""What is launched by the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Schedule(SQLModel, table=True):
    """A request, and when it is made."""

    __tablename__ = "schedules"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    cron: str = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    request: dict[str, Any] = Field(sa_type=JSONB)
    missed: str = Field(sa_type=Text)
    overlap: str = Field(sa_type=Text)
    max_per_day: int
    is_enabled: bool = True
    next_run_at: datetime | None = None
    changed_by: str = Field(sa_type=Text)
    created_at: datetime
    updated_at: datetime


class Firing(SQLModel, table=True):
    """One time that a schedule came due, and what came of it."""

    __tablename__ = "schedule_firings"  # pyright: ignore[reportAssignmentType]

    schedule_id: UUID = Field(primary_key=True)
    fire_at: datetime = Field(primary_key=True)
    status: str = Field(sa_type=Text)
    orchestration_id: UUID | None = None
    reason: str | None = Field(default=None, sa_type=Text)
    is_by_hand: bool = False
    created_at: datetime
