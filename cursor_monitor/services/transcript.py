"""A run's stream as rows: frames in, writes out; the same rows wherever the stream was cut and resumed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cursor_monitor.cursor.stream import (
    AssistantFrame,
    Frame,
    InteractionFrame,
    ResultFrame,
    ThinkingFrame,
    ToolCallFrame,
    UnknownFrame,
)
from cursor_monitor.domain.conversation import (
    PART_CHARACTERS,
    ClaimedStream,
    MessageWrite,
    OpenMessage,
    StreamWrite,
    ToolWrite,
)
from cursor_monitor.domain.text import storable
from cursor_monitor.services.tool_use import call_id_of, read_tool

MOST_CHARACTERS = 20_000_000
_MOST_CALLS = 1_000
_EVENT_ID = re.compile(r"^(\d{1,15})-(\d{1,9})$")
_OLDEST = datetime(2020, 1, 1, tzinfo=UTC)
_ALLOWANCE = timedelta(hours=1)
_KEPT = ("path", "command", "args", "args_size")


class Transcript:
    """Takes frames in and hands out what is to be written; follows the simple family of events only."""

    def __init__(self, start: ClaimedStream) -> None:
        self.start = start
        self.last_event_id = start.last_event_id
        self.resume_id = start.last_event_id  # None to read from the beginning and skip what is known
        self.failures = start.failures
        self.error: str | None = None
        self.has_gap = start.has_gap
        self.has_answer = start.has_answer
        self.state = "open"
        self.is_changed = False
        self._revision = start.revision
        self._next = start.next_position
        self._characters = start.characters
        self._open = start.open_message
        self._calls = dict(start.calls)
        self._candidate: str | None = None
        self._source: str | None = None
        self._run_status: str | None = None
        self._is_reset = False
        self._retry_seconds: float | None = None
        self._forget()
        if start.next_position == 0 and start.prompt:
            self.say("user", start.prompt, datetime.now(UTC))
            self._close()

    @property
    def size(self) -> int:
        """Characters that wait to be written."""
        return self._size

    @property
    def is_empty(self) -> bool:
        """True where nothing is known of what the agent said."""
        return self.last_event_id is None and not self.has_answer

    def take_in(self, frame: Frame, now: datetime) -> None:
        """Take one frame; one that was taken before changes nothing."""
        if self._is_known(frame):
            return
        self._advance(frame)
        at = _moment_of(frame.event_id, now)
        match frame:
            case AssistantFrame(text=text):
                self._heard(at)
                self.say("assistant", text, at)
            case ThinkingFrame(text=text):
                self._heard(at)
                self.say("thinking", text, at)
            case ToolCallFrame():
                self._heard(at)
                self._use(frame, at)
            case ResultFrame():
                self._heard(at)
                self._conclude(frame, at)
            case _:
                pass

    def say(self, kind: str, text: str, at: datetime) -> None:
        """Append to the message of this kind that is growing, or begin one."""
        text = self._fitting(storable(text), at)
        while text:
            found = self._open
            if found is None or found.kind != kind or found.length >= PART_CHARACTERS:
                found = self._begin(kind, at)
            piece = text[: PART_CHARACTERS - found.length]
            self._append(found, piece, at)
            text = text[len(piece) :]
        if kind == "assistant":
            self.has_answer = True

    def end(self, state: str, source: str) -> None:
        """Nothing more will be read."""
        self._close()
        self.state, self._source, self.is_changed = state, source, True

    def give_back(self, seconds: float, error: str | None = None) -> None:
        """Let whoever is free go on with it after so many seconds."""
        self._retry_seconds, self.error, self.is_changed = seconds, error, True

    def fail(self, error: str) -> None:
        """Note one more failure since the last event."""
        self.failures, self.error, self.is_changed = self.failures + 1, error, True

    def read_anew(self) -> None:
        """The position is refused: read from the beginning, past what is known; unknown ids begin all anew."""
        self.resume_id = None
        if _order(self.last_event_id) is None:
            self.last_event_id, self._open, self._next, self._characters = None, None, 0, 0
            self.has_answer, self._is_reset, self.is_changed = False, True, True
            self._calls.clear()
            self._messages.clear()
            self._tools.clear()
            self.say("user", self.start.prompt or "", datetime.now(UTC))
            self._close()

    def take(self) -> StreamWrite | None:
        """What is to be written now; None where nothing changed."""
        if not self.is_changed:
            return None
        facts = {
            "last_event_id": self.last_event_id,
            "events": self._events,
            "next_position": self._next,
            "characters": self._characters,
            "has_gap": self.has_gap,
            "heard_at": self._heard_at,
            "failures": self.failures,
            "error_message": self.error,
            "state": self.state,
            "source": self._source,
        }
        write = StreamWrite(
            self.start.run_id,
            self.start.agent_id,
            self.start.lease_token,
            self._revision,
            facts,
            tuple(self._messages.values()),
            tuple(self._tools.values()),
            self._is_reset,
            self._retry_seconds,
            self._run_status,
        )
        self._revision += 1
        self._is_reset = False
        self._forget()
        return write

    def _forget(self) -> None:
        self._messages: dict[int, MessageWrite] = {}
        self._tools: dict[str, ToolWrite] = {}
        self._events = 0
        self._size = 0
        self._heard_at: datetime | None = None
        self.is_changed = False

    def _is_known(self, frame: Frame) -> bool:
        if frame.event_id is None or self.last_event_id is None or isinstance(frame, ResultFrame):
            return False
        if frame.event_id == self.last_event_id:
            return True
        here, there = _order(frame.event_id), _order(self.last_event_id)
        return here is not None and there is not None and here <= there

    def _advance(self, frame: Frame) -> None:
        if frame.event_id is None:
            return
        if isinstance(frame, InteractionFrame | UnknownFrame):
            # Its simple twin of the same id may still follow: the position moves on with the next id only.
            if self._candidate is not None and self._candidate != frame.event_id:
                self._move(self._candidate)
            self._candidate = frame.event_id
        else:
            self._move(frame.event_id)
            self._candidate = None

    def _move(self, event_id: str) -> None:
        self.last_event_id = self.resume_id = event_id
        self.failures, self.error, self.is_changed = 0, None, True

    def _heard(self, at: datetime) -> None:
        self._events += 1
        self._heard_at = at
        self.is_changed = True

    def _begin(self, kind: str, at: datetime) -> OpenMessage:
        continues = self._open is not None and self._open.kind == kind
        self._close()
        self._open = OpenMessage(self._next, kind, 0)
        self._next += 1
        self._messages[self._open.position] = MessageWrite(self._open.position, kind, continues, at, at)
        return self._open

    def _append(self, found: OpenMessage, piece: str, at: datetime) -> None:
        write = self._messages.get(found.position)
        if write is None:
            write = self._messages[found.position] = MessageWrite(found.position, found.kind, False, at, at)
        write.pieces.append(piece)
        write.updated_at = at
        self._open = OpenMessage(found.position, found.kind, found.length + len(piece))
        self._characters += len(piece)
        self._size += len(piece)
        self.is_changed = True

    def _close(self) -> None:
        if self._open is None:
            return
        now = datetime.now(UTC)
        write = self._messages.get(self._open.position)
        if write is None:
            write = MessageWrite(self._open.position, self._open.kind, False, now, now)
            self._messages[write.position] = write
        write.is_complete, self._open, self.is_changed = True, None, True

    def _use(self, frame: ToolCallFrame, at: datetime) -> None:
        call_id = call_id_of(frame)
        position = self._calls.get(call_id)
        if position is None:
            self._close()
            position, self._next = self._next, self._next + 1
        tool = read_tool(frame, position, at)
        earlier = self._tools.get(call_id)
        self._tools[call_id] = _joined(earlier, tool) if earlier else tool
        self._size += len(tool.args or "") + len(tool.result or "")
        if tool.outcome != "running":
            self._calls.pop(call_id, None)
        elif len(self._calls) < _MOST_CALLS:
            self._calls[call_id] = position

    def _conclude(self, frame: ResultFrame, at: datetime) -> None:
        self._close()
        if frame.text and (self.has_gap or not self.has_answer):
            self.say("assistant", frame.text, at)
        self._run_status = frame.status
        self.end("ended", "stream")

    def _fitting(self, text: str, at: datetime) -> str:
        room = MOST_CHARACTERS - self._characters
        if len(text) <= room:
            return text
        if not self.has_gap:
            self.has_gap = True
            self._begin("note", at)
            if self._open is not None:
                self._append(self._open, f"What follows is not kept: a run may say {MOST_CHARACTERS:,} characters.", at)
            self._close()
        return ""


def _joined(earlier: ToolWrite, later: ToolWrite) -> ToolWrite:
    """The start and the end of a call that fall into one write."""
    kept = {name: getattr(earlier, name) for name in _KEPT if getattr(later, name) is None}
    return replace(later, position=earlier.position, started_at=earlier.started_at, **kept)


def _order(event_id: str | None) -> tuple[int, int] | None:
    found = _EVENT_ID.match(event_id or "")
    return (int(found[1]), int(found[2])) if found else None


def _moment_of(event_id: str | None, now: datetime) -> datetime:
    """When an event happened, where its id tells a moment that can be believed."""
    found = _order(event_id)
    if found is None:
        return now
    try:
        moment = datetime.fromtimestamp(found[0] / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return now
    return moment if _OLDEST < moment < now + _ALLOWANCE else now
