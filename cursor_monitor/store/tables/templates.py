"""Prompts that are kept to be used again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class PromptTemplate(SQLModel, table=True):
    """A prompt with blanks."""

    __tablename__ = "prompt_templates"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text)
    prompt: str = Field(sa_type=Text)
    variables: list[Any] = Field(sa_type=JSONB)
    changed_by: str = Field(sa_type=Text)
    created_at: datetime
    updated_at: datetime
