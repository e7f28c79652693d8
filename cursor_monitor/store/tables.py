"""The tables of schema.sql as SQLModel classes; a test holds the two to each other."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, Computed, Double, SmallInteger, Text
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
    ref: str | None = Field(default=None, sa_type=Text)
    prompt: str = Field(sa_type=Text)
    model: str | None = Field(default=None, sa_type=Text)
    options: dict[str, Any] = Field(sa_type=JSONB)
    requested_tasks: list[dict[str, Any]] = Field(sa_type=JSONB)
    is_planned: bool = False
    is_approved: bool = False
    is_cancelling: bool = False
    allowance: int | None = None
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


class Agent(SQLModel, table=True):
    """An agent of the fleet, launched here or seen at Cursor."""

    __tablename__ = "agents"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    origin: str = Field(sa_type=Text)
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
    created_by: str | None = Field(default=None, sa_type=Text)
    created_at: datetime
    launched_at: datetime | None = None
    observed_at: datetime | None = None
    listed_at: datetime | None = None
    listed_update: datetime | None = None
    updated_at: datetime


class Attempt(SQLModel, table=True):
    """One try at a task: the engine's view of one agent."""

    __tablename__ = "agent_orchestrator_states"  # pyright: ignore[reportAssignmentType]

    agent_id: str = Field(primary_key=True, foreign_key="agents.id", sa_type=Text)
    orchestration_id: UUID
    task_key: str = Field(sa_type=Text)
    number: int
    status: str = Field(sa_type=Text)
    state: dict[str, Any] = Field(sa_type=JSONB)


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


class Job(SQLModel, table=True):
    """One row of durable work."""

    __tablename__ = "orchestration_outbox_jobs"  # pyright: ignore[reportAssignmentType]

    id: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    args: dict[str, Any] = Field(sa_type=JSONB)
    orchestration_id: UUID | None = None
    agent_id: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    priority: int = Field(sa_type=SmallInteger)
    dedupe_key: str | None = Field(default=None, sa_type=Text)
    attempts: int = 0
    max_attempts: int = 10
    next_run_at: datetime
    rerun_at: datetime | None = None
    ready_seq: int | None = Field(default=None, sa_type=BigInteger)
    level: int | None = Field(default=None, sa_column=Column(SmallInteger, Computed("priority / 10")))
    lease_token: int | None = Field(default=None, sa_type=BigInteger)
    leased_by: str | None = Field(default=None, sa_type=Text)
    leased_until: datetime | None = None
    holder: int | None = Field(default=None, sa_type=BigInteger)
    errors: list[dict[str, Any]] = Field(sa_type=JSONB)
    created_at: datetime
    finished_at: datetime | None = None


class HealthEvent(SQLModel, table=True):
    """A heartbeat, or what became of a part."""

    __tablename__ = "service_health_events"  # pyright: ignore[reportAssignmentType]

    id: int = Field(primary_key=True, sa_type=BigInteger)
    service: str = Field(sa_type=Text)
    instance: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    details: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime


class IdempotencyKey(SQLModel, table=True):
    """What a creating POST made, by the key its caller gave."""

    __tablename__ = "idempotency_keys"  # pyright: ignore[reportAssignmentType]

    scope: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    request_hash: str = Field(sa_type=Text)
    resource_id: str = Field(sa_type=Text)
    created_at: datetime


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
