"""The event stream of one run: bytes to server-sent events to typed frames."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cursor_monitor.cursor.api import BranchView
from cursor_monitor.cursor.errors import CursorError, Retryable, StreamExpired, StreamUnavailable
from cursor_monitor.cursor.fields import (
    PayloadError,
    object_of,
    optional_int,
    optional_text,
    parse_json,
    text,
)
from cursor_monitor.cursor.payloads import parse_branches

MAX_EVENT_BYTES = 32 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event as it came; `id` is None where its block had no id line."""

    event: str
    data: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """Something a run's stream says; resume with the newest `event_id` that is not None."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class StatusFrame(Frame):
    """The run's status, sent first on each connection."""

    run_id: str | None
    status: str


@dataclass(frozen=True, slots=True)
class AssistantFrame(Frame):
    """A further piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingFrame(Frame):
    """A further piece of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallFrame(Frame):
    """A tool being used; `truncated` names the fields (args, result) that were too large to send."""

    call_id: str
    name: str
    status: str
    args: Any
    result: Any
    truncated: frozenset[str]


@dataclass(frozen=True, slots=True)
class InteractionFrame(Frame):
    """The richer twin of a simple frame; it shares its `event_id`, so follow one family only."""

    type: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HeartbeatFrame(Frame):
    """The connection is alive, about every 15 s."""


@dataclass(frozen=True, slots=True)
class ResultFrame(Frame):
    """The end of the run; an ERROR run carries neither text nor cause."""

    run_id: str | None
    status: str
    text: str | None
    duration_ms: int | None
    branches: tuple[BranchView, ...]


@dataclass(frozen=True, slots=True)
class ErrorFrame(Frame):
    """The stream failed; the run itself may go on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DoneFrame(Frame):
    """The stream is over; alone it does not mean that the run succeeded."""


@dataclass(frozen=True, slots=True)
class UnknownFrame(Frame):
    """An event type or a shape not known here, kept as it came."""

    event: str
    data: str


class EventParser:
    """Turns chunks of bytes, cut anywhere, into server-sent events (WHATWG HTML, 9.2.6)."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._partial: list[bytes] = []
        self._held = 0
        self._at_start = True
        self._after_return = False
        self._clear_event()

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that this chunk completes; raises Retryable where one event grows beyond all measure."""
        # A CR LF pair may be cut in two; its LF must then not count as one more, empty line.
        if self._after_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_return = False
        if not chunk:
            return []
        self._after_return = chunk.endswith(b"\r")
        *ended, rest = _LINE_END.split(chunk)
        events = [event for line in ended if (event := self._end_line(line)) is not None]
        self._hold(rest)
        return events

    def _hold(self, piece: bytes) -> None:
        self._partial.append(piece)
        self._held += len(piece)
        if self._held > self._max_event_bytes:
            raise Retryable("stream_too_large", f"one event is larger than {self._max_event_bytes} bytes")

    def _end_line(self, piece: bytes) -> ServerEvent | None:
        self._hold(piece)
        line = b"".join(self._partial)
        self._partial.clear()
        if self._at_start:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        if not line:
            return self._end_event()
        self._read_field(line)
        return None

    def _read_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        content = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(content)
        elif name == b"event":
            self._event = content
        elif name == b"id" and "\0" not in content:
            self._id = content

    def _end_event(self) -> ServerEvent | None:
        event = ServerEvent(self._event or "message", "\n".join(self._data), self._id) if self._data else None
        self._clear_event()
        return event

    def _clear_event(self) -> None:
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None
        self._held = 0


def parse_frame(event: ServerEvent) -> Frame:
    """The typed frame of an event; what cannot be read becomes an UnknownFrame rather than an error."""
    if bare := _BARE_FRAMES.get(event.event):
        return bare(event.id)
    reader = _READERS.get(event.event)
    try:
        if reader is not None:
            return reader(event.id, dict(object_of(parse_json(event.data.encode()), "data")))
    except PayloadError:
        pass
    return UnknownFrame(event.id, event.event, event.data.replace("\0", "\ufffd"))


def failure_of(frame: Frame) -> CursorError | None:
    """The typed error of a frame by which the stream says that it cannot be followed."""
    if not isinstance(frame, ErrorFrame):
        return None
    if frame.code == "stream_unavailable":
        return StreamUnavailable(frame.code, frame.message)
    if frame.code == "stream_expired":
        return StreamExpired(frame.code, frame.message)
    return None


def _read_tool_call(event_id: str | None, data: dict[str, Any]) -> ToolCallFrame:
    truncated = data.get("truncated")
    return ToolCallFrame(
        event_id,
        call_id=text(data, "callId"),
        name=text(data, "name"),
        status=text(data, "status"),
        args=data.get("args"),
        result=data.get("result"),
        truncated=frozenset(truncated) if isinstance(truncated, dict) else frozenset(),
    )


def _read_result(event_id: str | None, data: dict[str, Any]) -> ResultFrame:
    return ResultFrame(
        event_id,
        run_id=optional_text(data, "runId"),
        status=text(data, "status"),
        text=optional_text(data, "text"),
        duration_ms=optional_int(data, "durationMs"),
        branches=parse_branches(data.get("git")),
    )


def _read_error(event_id: str | None, data: dict[str, Any]) -> ErrorFrame:
    return ErrorFrame(event_id, text(data, "code"), optional_text(data, "message") or "")


_BARE_FRAMES = {"heartbeat": HeartbeatFrame, "done": DoneFrame}
_READERS = {
    "status": lambda event_id, data: StatusFrame(event_id, optional_text(data, "runId"), text(data, "status")),
    "assistant": lambda event_id, data: AssistantFrame(event_id, optional_text(data, "text") or ""),
    "thinking": lambda event_id, data: ThinkingFrame(event_id, optional_text(data, "text") or ""),
    "tool_call": _read_tool_call,
    "interaction_update": lambda event_id, data: InteractionFrame(event_id, text(data, "type"), data),
    "result": _read_result,
    "error": _read_error,
}
