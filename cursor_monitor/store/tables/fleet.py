"""Agents with their runs and follow-ups, and what Cursor told of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Computed, Double, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Agent(SQLModel, table=True):
    """An agent of the fleet, launched here or seen at Cursor."""

    __tablename__ = "agents"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    origin: str = Field(sa_type=Text)
    account_id: str = Field(default="default", foreign_key="cursor_accounts.id", sa_type=Text)
    orchestration_id: UUID | None = Field(default=None, foreign_key="orchestrations.id")
    task_key: str | None = Field(default=None, sa_type=Text)
    launch_status: str = Field(sa_type=Text)
    agent_status: str | None = Field(default=None, sa_type=Text)
    repository: str | None = Field(default=None, sa_type=Text)
    ref: str | None = Field(default=None, sa_type=Text)
    model: str | None = Field(default=None, sa_type=Text)
    prompt: str | None = Field(default=None, sa_type=Text)
    auto_create_pr: bool = False
    url: str | None = Field(default=None, sa_type=Text)
    branch: str | None = Field(default=None, sa_type=Text)
    pr_url: str | None = Field(default=None, sa_type=Text)
    latest_run_id: str | None = Field(default=None, sa_type=Text)
    run_status: str | None = Field(default=None, sa_type=Text)
    # A default of SQLModel would be written, which Postgres refuses for a generated column.
    is_working: bool = Field(default=False, sa_column=Column(Boolean, Computed("launch_status = 'launched'")))
    error_code: str | None = Field(default=None, sa_type=Text)
    error_message: str | None = Field(default=None, sa_type=Text)
    launch_options: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    state: str | None = Field(default=None, sa_column=Column(Text, Computed("launch_status")))
    shelf: str | None = Field(default=None, sa_column=Column(Text, Computed("agent_status")))
    tokens: int | None = Field(default=None, sa_type=BigInteger)
    cost_cents: float | None = Field(default=None, sa_type=Double)
    usage_at: datetime | None = None
    created_by: str | None = Field(default=None, sa_type=Text)
    created_at: datetime
    launched_at: datetime | None = None
    observed_at: datetime | None = None
    listed_at: datetime | None = None
    listed_update: datetime | None = None
    active_at: datetime
    asked: str | None = Field(default=None, sa_type=Text)
    asked_at: datetime | None = None
    updated_at: datetime


class Tag(SQLModel, table=True):
    """A word that a person put on an agent."""

    __tablename__ = "agent_tags"  # pyright: ignore[reportAssignmentType]

    agent_id: str = Field(primary_key=True, foreign_key="agents.id", sa_type=Text)
    tag: str = Field(primary_key=True, sa_type=Text)
    created_by: str = Field(sa_type=Text)
    created_at: datetime


class Pin(SQLModel, table=True):
    """An agent that somebody keeps at hand."""

    __tablename__ = "agent_pins"  # pyright: ignore[reportAssignmentType]

    agent_id: str = Field(primary_key=True, foreign_key="agents.id", sa_type=Text)
    owner: str = Field(primary_key=True, sa_type=Text)
    pinned_at: datetime


class NeedSeen(SQLModel, table=True):
    """Something that waits for a person, and that somebody has seen."""

    __tablename__ = "needs_seen"  # pyright: ignore[reportAssignmentType]

    owner: str = Field(primary_key=True, sa_type=Text)
    mark: str = Field(primary_key=True, sa_type=Text)
    seen_at: datetime


class FleetView(SQLModel, table=True):
    """A name for an address of the list of agents."""

    __tablename__ = "fleet_views"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    owner: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    query: str = Field(sa_type=Text)
    created_by: str = Field(sa_type=Text)
    created_at: datetime
    updated_at: datetime


class Upload(SQLModel, table=True):
    """A picture for a launch or a follow-up, until Cursor has it."""

    __tablename__ = "agent_uploads"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    mime_type: str = Field(sa_type=Text)
    content: bytes = Field(sa_type=LargeBinary)
    size_bytes: int
    held_by: str | None = Field(default=None, sa_type=Text)
    created_by: str = Field(sa_type=Text)
    created_at: datetime


class Batch(SQLModel, table=True):
    """One action on many agents, and what became of it."""

    __tablename__ = "agent_batches"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    action: str = Field(sa_type=Text)
    request_hash: str = Field(sa_type=Text)
    accepted: list[str] = Field(sa_type=ARRAY(Text))  # pyright: ignore[reportArgumentType]
    refused: list[dict[str, str]] = Field(sa_type=JSONB)
    created_by: str = Field(sa_type=Text)
    created_at: datetime


class Run(SQLModel, table=True):
    """One prompt-to-result execution inside an agent."""

    __tablename__ = "agent_runs"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True, sa_type=Text)
    agent_id: str = Field(foreign_key="agents.id", sa_type=Text)
    status: str = Field(sa_type=Text)
    prompt: str | None = Field(default=None, sa_type=Text)
    result: str | None = Field(default=None, sa_type=Text)
    duration_ms: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime
    ended_at: datetime | None = None
    observed_at: datetime


class Followup(SQLModel, table=True):
    """A further prompt somebody asked for."""

    __tablename__ = "agent_followups"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agents.id", sa_type=Text)
    prompt: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    previous_run_id: str | None = Field(default=None, sa_type=Text)
    run_id: str | None = Field(default=None, sa_type=Text)
    error_message: str | None = Field(default=None, sa_type=Text)
    created_by: str = Field(sa_type=Text)
    created_at: datetime
    sent_at: datetime | None = None
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)


class WebhookDelivery(SQLModel, table=True):
    """A genuine webhook, known by the hash of its body."""

    __tablename__ = "webhook_deliveries"  # pyright: ignore[reportAssignmentType]

    body_hash: str = Field(primary_key=True, sa_type=Text)
    delivery_id: str | None = Field(default=None, sa_type=Text)
    event: str = Field(sa_type=Text)
    agent_id: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    sent_at: datetime
    is_outdated: bool = False
    received_at: datetime
