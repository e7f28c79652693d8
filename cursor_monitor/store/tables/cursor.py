"""What is kept about Cursor's API itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Double, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class CacheEntry(SQLModel, table=True):
    """What one of Cursor's listings said last."""

    __tablename__ = "cursor_cache"  # pyright: ignore[reportAssignmentType]

    key: str = Field(primary_key=True, sa_type=Text)
    value: Any = Field(sa_type=JSONB)
    fetched_at: datetime


class CursorBudget(SQLModel, table=True):
    """What one key may still send to one class of Cursor's endpoints."""

    __tablename__ = "cursor_budgets"  # pyright: ignore[reportAssignmentType]

    account: str = Field(primary_key=True, sa_type=Text)
    endpoint: str = Field(primary_key=True, sa_type=Text)
    per_minute: int
    tokens: float = Field(sa_type=Double)
    refilled_at: datetime
    slots: dict[str, Any] = Field(sa_type=JSONB)
    pace: float = Field(default=1.0, sa_type=Double)
    strikes: int = 0
    struck_at: datetime | None = None
    blocked_until: datetime | None = None
    seen_limit: int | None = None
    seen_remaining: int | None = None
    seen_reset_at: datetime | None = None
    seen_at: datetime | None = None
    granted: int = Field(default=0, sa_type=BigInteger)
    refused: int = Field(default=0, sa_type=BigInteger)
