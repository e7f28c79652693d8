"""What is begun and spent."""

from __future__ import annotations

from datetime import date

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
