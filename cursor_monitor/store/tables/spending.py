"""What is begun and spent, and who waits for a slot."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Double, Text
from sqlmodel import Field, SQLModel


class SpendDay(SQLModel, table=True):
    """What one account began and spent on one day, in UTC."""

    __tablename__ = "spend_days"  # pyright: ignore[reportAssignmentType]

    day: date = Field(primary_key=True)
    account: str = Field(primary_key=True, sa_type=Text)
    cents: float = Field(default=0.0, sa_type=Double)
    agents: int = 0
    followups: int = 0


class SlotWait(SQLModel, table=True):
    """An orchestration whose ready tasks wait for a slot of its account or repository."""

    __tablename__ = "slot_waits"  # pyright: ignore[reportAssignmentType]

    orchestration_id: UUID = Field(primary_key=True, foreign_key="orchestrations.id")
    account_id: str = Field(sa_type=Text)
    repository: str = Field(sa_type=Text)
    waits_on: str = Field(sa_type=Text)
    wanted: int
    reason: str = Field(sa_type=Text)
    priority: int = 0
    since: datetime
    seen_at: datetime
