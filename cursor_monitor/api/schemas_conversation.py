"""What the API says of conversations."""

from __future__ import annotations

from pydantic import Field

from cursor_monitor.api.schemas import Answer, Time


class Entry(Answer):
    """Something said, or one use of a tool; a `tool` has the fields from `call_id` on."""

    run_id: str
    position: int
    kind: str = Field(description="user, assistant, thinking, note or tool.")
    text: str
    continues: bool = Field(description="Goes on where the entry before was cut for its length.")
    is_complete: bool
    started_at: Time
    updated_at: Time
    call_id: str | None
    name: str | None
    path: str | None
    command: str | None
    status: str | None = Field(description="Cursor's word, as given.")
    outcome: str | None = Field(description="running, succeeded, failed or unknown.")
    exit_code: int | None
    args: str | None
    result: str | None
    args_size: int | None = Field(description="Characters before it was shortened.")
    result_size: int | None
    dropped: list[str] = Field(description="What Cursor did not send for its size.")


class Stream(Answer):
    """How much of a run's conversation is here, and where it comes from."""

    run_id: str
    run_status: str
    state: str = Field(description="live, waiting, ended, expired or unavailable.")
    source: str | None = Field(description="stream, conversation or result.")
    has_gap: bool
    events: int
    heard_at: Time | None = Field(description="When the newest event happened.")
    read_at: Time | None = Field(description="When it was last written here.")
    error_message: str | None


class Conversation(Answer):
    """A page of a conversation, and the streams of the agent's newest runs."""

    items: list[Entry]
    next_cursor: str | None
    streams: list[Stream]


class Piece(Answer):
    """A part of a snippet, as plain text."""

    text: str
    is_match: bool


class Found(Answer):
    """One place where the words were found."""

    agent_id: str
    agent_name: str | None
    repository: str | None
    run_id: str
    position: int
    kind: str
    name: str | None = Field(description="The tool's name.")
    started_at: Time
    snippet: list[Piece]
