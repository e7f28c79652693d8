"""Orchestrations, their events and their tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel


class Orchestration(SQLModel, table=True):
    """A user goal, pursued by agents."""

    __tablename__ = "orchestrations"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    repository: str = Field(sa_type=Text)
    account_id: str = Field(default="default", foreign_key="cursor_accounts.id", sa_type=Text)
    ref: str | None = Field(default=None, sa_type=Text)
    prompt: str = Field(sa_type=Text)
    model: str | None = Field(default=None, sa_type=Text)
    options: dict[str, Any] = Field(sa_type=JSONB)
    requested_tasks: list[dict[str, Any]] = Field(sa_type=JSONB)
    is_planned: bool = False
    plan_source: str | None = Field(default=None, sa_type=Text)
    is_approved: bool = False
    is_cancelling: bool = False
    allowance: int | None = None
    warned: list[str] = Field(sa_type=JSONB)
    tasks_total: int = 0
    tasks_completed: int = 0
    active_agents: int = 0
    quality_score: int | None = None
    quality_coverage: int | None = None
    error_code: str | None = Field(default=None, sa_type=Text)
    error_summary: str | None = Field(default=None, sa_type=Text)
    last_seq: int = 0
    created_by: str = Field(sa_type=Text)
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime


class Event(SQLModel, table=True):
    """One immutable fact about an orchestration."""

    __tablename__ = "orchestration_events"  # pyright: ignore[reportAssignmentType]

    orchestration_id: UUID = Field(primary_key=True, foreign_key="orchestrations.id")
    seq: int = Field(primary_key=True)
    type: str = Field(sa_type=Text)
    level: str = Field(sa_type=Text)
    task_key: str | None = Field(default=None, sa_type=Text)
    message: str = Field(sa_type=Text)
    payload: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime


class Task(SQLModel, table=True):
    """One unit of a plan."""

    __tablename__ = "orchestration_tasks"  # pyright: ignore[reportAssignmentType]

    orchestration_id: UUID = Field(primary_key=True, foreign_key="orchestrations.id")
    key: str = Field(primary_key=True, sa_type=Text)
    position: int
    title: str = Field(sa_type=Text)
    prompt: str = Field(sa_type=Text)
    depends_on: list[str] = Field(sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType, reportCallIssue]
    model: str | None = Field(default=None, sa_type=Text)
    ref: str | None = Field(default=None, sa_type=Text)
    is_merge: bool = False
    candidate_of: str | None = Field(default=None, sa_type=Text)
    kept: str | None = Field(default=None, sa_type=Text)
    kept_reason: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    attempts_allowed: int | None = None
    is_waived: bool = False
    agent_id: str | None = Field(default=None, sa_type=Text)
    latest_run_id: str | None = Field(default=None, sa_type=Text)
    attempts: int = 0
    iterations: int = 0
    branch: str | None = Field(default=None, sa_type=Text)
    pr_url: str | None = Field(default=None, sa_type=Text)
    quality_score: int | None = None
    quality_coverage: int | None = None
    error_message: str | None = Field(default=None, sa_type=Text)
    started_at: datetime | None = None
    completed_at: datetime | None = None


class Attempt(SQLModel, table=True):
    """One try at a task: the engine's view of one agent."""

    __tablename__ = "agent_orchestrator_states"  # pyright: ignore[reportAssignmentType]

    agent_id: str = Field(primary_key=True, foreign_key="agents.id", sa_type=Text)
    orchestration_id: UUID
    task_key: str = Field(sa_type=Text)
    number: int
    status: str = Field(sa_type=Text)
    state: dict[str, Any] = Field(sa_type=JSONB)
