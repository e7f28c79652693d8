"""What agents said and did, and how far the stream that tells it was read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Computed, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlmodel import Field, SQLModel


class RunStream(SQLModel, table=True):
    """How far a run's stream was read, and by whom."""

    __tablename__ = "run_streams"  # pyright: ignore[reportAssignmentType]

    run_id: str = Field(primary_key=True, foreign_key="agent_runs.id", sa_type=Text)
    agent_id: str = Field(foreign_key="agents.id", sa_type=Text)
    state: str = Field(sa_type=Text)
    source: str | None = Field(default=None, sa_type=Text)
    last_event_id: str | None = Field(default=None, sa_type=Text)
    revision: int = Field(default=0, sa_type=BigInteger)
    events: int = Field(default=0, sa_type=BigInteger)
    next_position: int = 0
    characters: int = Field(default=0, sa_type=BigInteger)
    has_gap: bool = False
    heard_at: datetime | None = None
    failures: int = 0
    error_message: str | None = Field(default=None, sa_type=Text)
    next_try_at: datetime
    lease_token: int | None = Field(default=None, sa_type=BigInteger)
    leased_by: str | None = Field(default=None, sa_type=Text)
    leased_until: datetime | None = None
    holder: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime
    updated_at: datetime
    loops_position: int = 0
    silence_told: int = Field(default=0, sa_type=SmallInteger)


class AgentMessage(SQLModel, table=True):
    """Something said in a run, or a part of it."""

    __tablename__ = "agent_messages"  # pyright: ignore[reportAssignmentType]

    run_id: str = Field(primary_key=True, foreign_key="agent_runs.id", sa_type=Text)
    position: int = Field(primary_key=True)
    agent_id: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    continues: bool = False
    is_complete: bool = False
    started_at: datetime
    updated_at: datetime
    search: str | None = Field(default=None, sa_column=Column(TSVECTOR, Computed("to_tsvector('english', text)")))


class ToolEvent(SQLModel, table=True):
    """One call of a tool in a run."""

    __tablename__ = "agent_tool_events"  # pyright: ignore[reportAssignmentType]

    run_id: str = Field(primary_key=True, foreign_key="agent_runs.id", sa_type=Text)
    call_id: str = Field(primary_key=True, sa_type=Text)
    position: int
    agent_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    path: str | None = Field(default=None, sa_type=Text)
    command: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    exit_code: int | None = None
    args: str | None = Field(default=None, sa_type=Text)
    result: str | None = Field(default=None, sa_type=Text)
    args_size: int | None = None
    result_size: int | None = None
    dropped: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    started_at: datetime
    ended_at: datetime | None = None
    search: str | None = Field(default=None, sa_column=Column(TSVECTOR, Computed("to_tsvector('english', name)")))
