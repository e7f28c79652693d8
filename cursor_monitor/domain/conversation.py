"""A run's conversation as it is written: what a stream said since the last write, and where that began."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PART_CHARACTERS = 16_000
"""A message that grows beyond this goes on in a row of its own, so that appending stays cheap."""


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """The message that is still growing."""

    position: int
    kind: str
    length: int


@dataclass(frozen=True, slots=True)
class ClaimedStream:
    """A run's stream under this worker's lease, and how far it was read; `lease_token` only grows."""

    run_id: str
    agent_id: str
    lease_token: int
    last_event_id: str | None = None
    revision: int = 0
    next_position: int = 0
    characters: int = 0
    has_gap: bool = False
    failures: int = 0
    prompt: str | None = None
    open_message: OpenMessage | None = None
    has_answer: bool = False
    calls: dict[str, int] = field(default_factory=dict)  # tools in use: call and position


@dataclass(slots=True)
class MessageWrite:
    """Text to be appended to one row, which may be new."""

    position: int
    kind: str
    continues: bool
    started_at: datetime
    updated_at: datetime
    pieces: list[str] = field(default_factory=list)
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class ToolWrite:
    """What is known of one call of a tool; None leaves what was known before."""

    call_id: str
    position: int
    name: str
    path: str | None
    command: str | None
    status: str
    outcome: str  # running, succeeded, failed, unknown
    exit_code: int | None
    args: str | None
    result: str | None
    args_size: int | None
    result_size: int | None
    dropped: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class StreamWrite:
    """Everything about one stream that is committed together; `facts` are columns of its row."""

    run_id: str
    agent_id: str
    lease_token: int
    revision: int  # the one that must be stored, or this was written already, or by somebody else
    facts: dict[str, Any]
    messages: tuple[MessageWrite, ...] = ()
    tools: tuple[ToolWrite, ...] = ()
    is_reset: bool = False  # what was stored is read anew
    retry_seconds: float | None = None  # given back, to be tried again after so long
    run_status: str | None = None  # what the stream says of the run's end

    @property
    def is_over(self) -> bool:
        """True where nothing more will be read."""
        return self.facts["state"] != "open"
