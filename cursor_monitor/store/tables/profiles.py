"""What holds for work in some repositories."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class RepositoryProfile(SQLModel, table=True):
    """The rules for the repositories that fit a pattern."""

    __tablename__ = "repository_profiles"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    pattern: str = Field(sa_type=Text)
    base_branches: list[Any] = Field(sa_type=JSONB)
    protected_branches: list[Any] = Field(sa_type=JSONB)
    protected_paths: list[Any] = Field(sa_type=JSONB)
    required_checks: list[Any] = Field(sa_type=JSONB)
    max_parallel_agents: int | None = None
    default_model: str | None = Field(default=None, sa_type=Text)
    default_options: dict[str, Any] = Field(sa_type=JSONB)
    changed_by: str = Field(sa_type=Text)
    created_at: datetime
    updated_at: datetime
