"""The outbox, and what belongs to running it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Computed, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Job(SQLModel, table=True):
    """One row of durable work; live ones, dead letters and what is over lie in partitions of their own."""

    __tablename__ = "orchestration_outbox_jobs"  # pyright: ignore[reportAssignmentType]

    id: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(sa_type=Text)
    args: dict[str, Any] = Field(sa_type=JSONB)
    orchestration_id: UUID | None = None
    agent_id: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    priority: int = Field(sa_type=SmallInteger)
    dedupe_key: str | None = Field(default=None, sa_type=Text)
    concurrency_key: str | None = Field(default=None, sa_type=Text)
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
    claimed_at: datetime | None = None
    finished_at: datetime | None = None


class JobLimit(SQLModel, table=True):
    """How many jobs of one concurrency key may run at once."""

    __tablename__ = "outbox_limits"  # pyright: ignore[reportAssignmentType]

    concurrency_key: str = Field(primary_key=True, sa_type=Text)
    max_running: int | None = None


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
