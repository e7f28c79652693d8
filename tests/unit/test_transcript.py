"""Frames to rows: the same rows wherever a stream was cut, resumed, repeated or taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.cursor.stream import (
    AssistantFrame,
    Frame,
    HeartbeatFrame,
    InteractionFrame,
    ResultFrame,
    StatusFrame,
    ThinkingFrame,
    ToolCallFrame,
)
from cursor_monitor.domain.conversation import PART_CHARACTERS, ClaimedStream, OpenMessage, StreamWrite
from cursor_monitor.services import transcript
from cursor_monitor.services.tool_use import MOST_RESULT
from cursor_monitor.services.transcript import Transcript

NOW = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
START = ClaimedStream("run-1", "bc-1", lease_token=7, prompt="Do it.")
FIRST_MS = round(NOW.timestamp() * 1000) - 60_000


class Stored:
    """What the database would hold: positions and content move together."""

    def __init__(self) -> None:
        self.messages: dict[int, tuple[str, str, bool]] = {}
        self.tools: dict[str, tuple[int, str, str, str | None]] = {}
        self.facts: dict[str, Any] = {}
        self.revision = self.events = 0

    def write(self, write: StreamWrite | None) -> None:
        if write is None:
            return
        assert write.revision == self.revision
        self.revision, self.facts = self.revision + 1, write.facts
        self.events += write.facts["events"]
        for message in write.messages:
            _, before, _ = self.messages.get(message.position, ("", "", False))
            text = before + "".join(message.pieces)
            self.messages[message.position] = (message.kind, text, message.is_complete)
        for tool in write.tools:
            position, _, _, path = self.tools.get(tool.call_id, (tool.position, "", "", None))
            self.tools[tool.call_id] = (position, tool.name, tool.outcome, tool.path or path)

    def claimed(self) -> ClaimedStream:
        if not self.facts:
            return START
        last = max(self.messages, default=None)
        kind, text, is_complete = self.messages[last] if last is not None else ("", "", True)
        facts = {name: self.facts[name] for name in ("last_event_id", "next_position", "characters", "has_gap")}
        return replace(
            START,
            **facts,
            revision=self.revision,
            prompt=None,
            open_message=None if is_complete or last is None else OpenMessage(last, kind, len(text)),
            has_answer=any(kind == "assistant" for kind, _, _ in self.messages.values()),
            calls={call: row[0] for call, row in self.tools.items() if row[2] == "running"},
        )

    def rows(self) -> Any:
        return self.messages, self.tools, self.events, self.facts["state"]


def frames_of(script: list[str]) -> list[Frame]:
    """A whole stream: pairs that share an id, frames without one, a result."""
    frames: list[Frame] = []
    for number, word in enumerate(script):
        event_id = f"{FIRST_MS + number * 10}-0"
        twin = InteractionFrame(event_id, word, {})
        call = f"call-{number // 3}"
        match word:
            case "say":
                frames += [AssistantFrame(event_id, f"s{number} "), twin]
            case "think":
                frames += [ThinkingFrame(event_id, f"t{number} "), twin]
            case "use":
                frames += [ToolCallFrame(event_id, call, "read_file", "running", {"path": "a.py"}, None, frozenset())]
            case "used":
                result = {"success": {}}
                frames += [ToolCallFrame(event_id, call, "read_file", "completed", None, result, frozenset()), twin]
            case "twin-first":
                frames += [twin, AssistantFrame(event_id, f"f{number} ")]
            case _:
                frames += [twin, HeartbeatFrame(None)]
    end = f"{FIRST_MS + len(script) * 10}-0"
    return [*frames, ResultFrame(end, "run-1", "FINISHED", "All done.", 5, ())]


def resumed(frames: list[Frame], last_event_id: str | None) -> list[Frame]:
    """What a server sends after this id: a status, then the rest."""
    places = [n for n, frame in enumerate(frames) if last_event_id and frame.event_id == last_event_id]
    return [StatusFrame(None, "run-1", "RUNNING"), *frames[places[-1] + 1 if places else 0 :]]


SCRIPTS = st.lists(st.sampled_from(["say", "think", "use", "used", "twin-first", "step"]), max_size=30)


@given(SCRIPTS, st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["cut", "crash", "replay"])), max_size=8))
def test_however_a_stream_is_cut_the_rows_are_the_same(script: list[str], cuts: list[tuple[int, str]]) -> None:
    frames = frames_of(script)
    whole = Stored()
    reader = Transcript(START)
    for frame in frames:
        reader.take_in(frame, NOW)
    whole.write(reader.take())

    stored = Stored()
    reader = Transcript(START)
    for length, how in [*cuts, (len(frames) + 1, "cut")]:
        sent = resumed(frames, None if how == "replay" else reader.resume_id)
        for number, frame in enumerate(sent[: length if how != "replay" else len(sent) // 2]):
            reader.take_in(frame, NOW)
            if number % 3 == 2:
                stored.write(reader.take())
        if how == "crash":  # what was not written is lost with the process
            reader = Transcript(stored.claimed())
    stored.write(reader.take())
    assert stored.rows() == whole.rows()


def test_the_result_is_the_answer_where_nothing_was_said() -> None:
    reader = Transcript(START)
    reader.take_in(ResultFrame("1-0", "run-1", "FINISHED", "All done.", 5, ()), NOW)
    write = reader.take()
    assert write is not None
    assert [(m.kind, "".join(m.pieces)) for m in write.messages] == [("user", "Do it."), ("assistant", "All done.")]
    assert (write.is_over, write.run_status) == (True, "FINISHED")


def test_a_long_message_goes_on_in_further_rows() -> None:
    stored, reader = Stored(), Transcript(START)
    text = "".join(f"{n:07d} " for n in range(8_000))
    for start in range(0, len(text), 5_000):
        reader.take_in(AssistantFrame(f"{FIRST_MS + start}-0", text[start : start + 5_000]), NOW)
        stored.write(reader.take())
    parts = [text for kind, text, _ in stored.messages.values() if kind == "assistant"]
    assert "".join(parts) == text
    assert {len(part) for part in parts[:-1]} == {PART_CHARACTERS}


def test_what_is_beyond_all_measure_is_left_out_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "MOST_CHARACTERS", 100)
    stored, reader = Stored(), Transcript(START)
    for number in range(50):
        reader.take_in(AssistantFrame(f"{FIRST_MS + number}-0", "x" * 30), NOW)
    stored.write(reader.take())
    assert sum(len(text) for kind, text, _ in stored.messages.values() if kind == "assistant") == 90
    assert [kind for kind, _, _ in stored.messages.values()] == ["user", "assistant", "note"]
    assert stored.facts["has_gap"]
    assert stored.facts["last_event_id"] == f"{FIRST_MS + 49}-0"


def test_a_large_result_is_cut_and_its_size_told() -> None:
    reader = Transcript(START)
    result = {"success": {"exitCode": 2, "command": "make test", "stdout": "x" * 1_000_000}}
    reader.take_in(ToolCallFrame("1-0", "c", "run_terminal_cmd", "completed", None, result, frozenset(("args",))), NOW)
    write = reader.take()
    assert write is not None
    (tool,) = write.tools
    assert (tool.outcome, tool.exit_code, tool.command, tool.dropped) == ("failed", 2, "make test", ("args",))
    assert tool.result is not None
    assert len(tool.result) <= MOST_RESULT < 1_000_000 < (tool.result_size or 0)
    assert "are left out here" in tool.result


def test_a_refused_position_is_read_anew_without_doubles() -> None:
    reader = Transcript(replace(START, last_event_id=f"{FIRST_MS}-5", next_position=2, prompt=None))
    reader.read_anew()
    assert reader.resume_id is None
    reader.take_in(AssistantFrame(f"{FIRST_MS}-5", "known"), NOW)
    reader.take_in(AssistantFrame(f"{FIRST_MS}-6", "new"), NOW)
    write = reader.take()
    assert write is not None
    assert [("".join(m.pieces), m.position) for m in write.messages] == [("new", 2)]
    assert not write.is_reset


def test_a_refused_position_of_unknown_order_begins_all_anew() -> None:
    reader = Transcript(replace(START, last_event_id="opaque", next_position=4, prompt="Do it."))
    reader.read_anew()
    reader.take_in(AssistantFrame("other", "again"), NOW)
    write = reader.take()
    assert write is not None
    assert write.is_reset
    assert [(m.position, "".join(m.pieces)) for m in write.messages] == [(0, "Do it."), (1, "again")]


def test_an_id_that_tells_no_believable_moment_is_not_believed() -> None:
    for event_id in ("1-0", "999999999999999-0", f"{round((NOW + timedelta(days=2)).timestamp() * 1000)}-0", "x"):
        reader = Transcript(START)
        reader.take_in(AssistantFrame(event_id, "now"), NOW)
        write = reader.take()
        assert write is not None
        assert write.facts["heard_at"] == NOW
