"""Bytes to events to frames, however the bytes are cut."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.cursor.api import BranchView
from cursor_monitor.cursor.errors import CursorError, Permanent, Retryable, StreamExpired, StreamUnavailable
from cursor_monitor.cursor.stream import (
    AssistantFrame,
    DoneFrame,
    ErrorFrame,
    EventParser,
    Frame,
    HeartbeatFrame,
    InteractionFrame,
    ResultFrame,
    ServerEvent,
    StatusFrame,
    ThinkingFrame,
    ToolCallFrame,
    UnknownFrame,
    parse_frame,
)
from tests.cursor.harness import AGENT_ID, RUN_ID, FakeWire, refusal

SAMPLE = (
    f'event: status\ndata: {{"runId":"{RUN_ID}","status":"RUNNING"}}\n\n'
    'id: 1-0\nevent: assistant\ndata: {"text":"Hallo, Wört 🙂"}\n\n'
    'id: 1-0\nevent: interaction_update\ndata: {"type":"text-delta","text":"Hallo"}\n\n'
    "event: heartbeat\ndata: {}\n\n"
    'id: 2-0\nevent: thinking\ndata: {"text":"hm"}\n\n'
    'id: 3-0\nevent: tool_call\ndata: {"callId":"c","name":"read_file","status":"completed",'
    '"args":{"path":"a"},"truncated":{"result":true}}\n\n'
    'id: 4-0\nevent: brand_new\ndata: {"x":1}\n\n'
    f'id: 5-0\nevent: result\ndata: {{"runId":"{RUN_ID}","status":"FINISHED","text":"Done.","durationMs":7,'
    '"git":{"branches":[{"repoUrl":"github.com/a/b","branch":"c"}]}}\n\n'
    "id: 5-0\nevent: done\ndata: {}\n\n"
)
FRAMES: list[Frame] = [
    StatusFrame(None, RUN_ID, "RUNNING"),
    AssistantFrame("1-0", "Hallo, Wört 🙂"),
    InteractionFrame("1-0", "text-delta", {"type": "text-delta", "text": "Hallo"}),
    HeartbeatFrame(None),
    ThinkingFrame("2-0", "hm"),
    ToolCallFrame("3-0", "c", "read_file", "completed", {"path": "a"}, None, frozenset({"result"})),
    UnknownFrame("4-0", "brand_new", '{"x":1}'),
    ResultFrame("5-0", RUN_ID, "FINISHED", "Done.", 7, (BranchView("https://github.com/a/b", "c", None),)),
    DoneFrame("5-0"),
]


def events_of(*chunks: bytes) -> list[ServerEvent]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(min_value=0), max_size=40), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_stream_means_the_same_however_it_is_cut(places: list[int], line_end: str) -> None:
    body = SAMPLE.replace("\n", line_end).encode()
    assert [parse_frame(event) for event in events_of(*cut(body, places))] == FRAMES


LINES = st.sampled_from(
    [b"data: x", b"data", b"data:", b"data:  y", b"id: 7", b"id", b"event: e", b": c", b"retry: 5", b"", b"z:"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(min_value=0), max_size=20))
def test_any_lines_mean_what_the_standard_says_however_cut(lines: list[tuple[bytes, bytes]], places: list[int]) -> None:
    body = b"".join(line + end for line, end in lines)
    assert events_of(*cut(body, places)) == events_of(body) == by_the_standard(body)


def by_the_standard(body: bytes) -> list[ServerEvent]:
    """A second reading, line by line over the whole body, as the standard words it."""
    events: list[ServerEvent] = []
    fields: dict[str, list[str]] = {"data": [], "event": [], "id": []}
    text = body.decode().replace("\r\n", "\n").replace("\r", "\n")
    for line in text.split("\n")[:-1]:
        if line:
            name, _, value = line.partition(":")
            fields.get(name, []).append(value.removeprefix(" "))
            continue
        if fields["data"]:
            event = (fields["event"] or [""])[-1] or "message"
            events.append(ServerEvent(event, "\n".join(fields["data"]), (fields["id"] or [None])[-1]))
        fields = {"data": [], "event": [], "id": []}
    return events


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_break_the_parser(chunks: list[bytes]) -> None:
    whole = events_of(b"".join(chunks))
    assert events_of(*chunks) == whole
    assert all(isinstance(parse_frame(event), Frame) for event in whole)


NAMES = ["status", "assistant", "tool_call", "interaction_update", "heartbeat", "result", "error", "done", "new"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "status", "callId", "name", "type", "code", "git"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(NAMES), JSON)
def test_any_data_gives_a_frame(name: str, data: Any) -> None:
    frame = parse_frame(ServerEvent(name, json.dumps(data), "1"))
    assert frame.event_id == "1"


def test_small_print_of_the_standard() -> None:
    assert events_of(b"\xef\xbb\xbfdata: a\ndata: b\n\n") == [ServerEvent("message", "a\nb", None)]
    assert events_of(b"id: a\0b\ndata: x\n\n") == [ServerEvent("message", "x", None)]
    assert events_of(b"event: e\nid: 1\n\ndata: x\n\n") == [ServerEvent("message", "x", None)]
    assert events_of(b"data: unfinished\n") == []
    assert events_of(b"\xef\xbb", b"\xbfdata: \xc3", b"\xbc\r", b"\n\r", b"\n") == [ServerEvent("message", "ü", None)]


def test_an_event_beyond_all_measure_is_an_error() -> None:
    parser = EventParser(max_event_bytes=100)
    parser.feed(b"x" * 100)
    with pytest.raises(Retryable) as caught:
        parser.feed(b"x")
    assert caught.value.code == "stream_too_large"
    many = EventParser(max_event_bytes=100)
    assert sum(len(many.feed(b"data: 1\n\n")) for _ in range(50)) == 50


def test_what_cannot_be_read_is_kept_as_it_came() -> None:
    assert parse_frame(ServerEvent("assistant", "{", "9")) == UnknownFrame("9", "assistant", "{")
    assert parse_frame(ServerEvent("tool_call", "{}", None)) == UnknownFrame(None, "tool_call", "{}")
    assert parse_frame(ServerEvent("done", "", None)) == DoneFrame(None)


class Body(httpx.AsyncByteStream):
    """A response body in given pieces, which may end in an error, and which knows when it was closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


def streamed(*pieces: bytes | Exception, content_type: str = "text/event-stream") -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": content_type}, stream=Body(*pieces))


async def follow(wire: FakeWire, last_event_id: str | None = None) -> list[Frame]:
    return [frame async for frame in wire.client.stream_run(AGENT_ID, RUN_ID, last_event_id)]


async def stream_failure(wire: FakeWire) -> CursorError:
    with pytest.raises(CursorError) as caught:
        await follow(wire)
    return caught.value


async def test_a_run_is_followed_to_its_end(wire: FakeWire) -> None:
    wire.answers(streamed(*(SAMPLE.encode()[i : i + 7] for i in range(0, len(SAMPLE.encode()), 7))))
    assert await follow(wire) == FRAMES
    assert wire.sent.url.path == f"/v1/agents/{AGENT_ID}/runs/{RUN_ID}/stream"
    assert wire.sent.headers["Accept"] == "text/event-stream"
    assert "Last-Event-ID" not in wire.sent.headers
    assert wire.sent.extensions["timeout"]["read"] == 90.0


async def test_a_stream_is_resumed_by_its_last_id(wire: FakeWire) -> None:
    wire.answers(streamed(SAMPLE.encode()))
    await follow(wire, "1713033005000-0")
    assert wire.sent.headers["Last-Event-ID"] == "1713033005000-0"


async def test_the_connection_closes_with_its_reader(wire: FakeWire) -> None:
    body = Body(SAMPLE.encode())
    wire.answers(httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=body))
    async with aclosing(wire.client.stream_run(AGENT_ID, RUN_ID)) as frames:
        assert await anext(frames) == FRAMES[0]
        assert not body.closed
    assert body.closed


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (409, "stream_unavailable", StreamUnavailable),
        (410, "stream_expired", StreamExpired),
        (400, "invalid_last_event_id", Permanent),
        (404, "run_not_found", Permanent),
        (500, "internal_error", Retryable),
    ],
)
async def test_a_refused_stream_is_typed(wire: FakeWire, status: int, code: str, expected: type[CursorError]) -> None:
    wire.answers(refusal(status, code))
    error = await stream_failure(wire)
    assert (type(error), error.code, error.status) == (expected, code, status)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("code", "expected"), [("stream_unavailable", StreamUnavailable), ("stream_expired", StreamExpired)]
)
async def test_a_refusal_inside_the_stream_is_the_same_error(
    wire: FakeWire, code: str, expected: type[CursorError]
) -> None:
    said = f'data: {{"code":"{code}","message":"Run stream is no longer available"}}'
    wire.answers(streamed(f"event: error\n{said}\n\nevent: done\ndata: {{}}\n\n".encode()))
    assert type(await stream_failure(wire)) is expected


async def test_another_error_inside_the_stream_is_a_frame(wire: FakeWire) -> None:
    said = b'event: error\ndata: {"code":"internal_error","message":"oops"}\n\nevent: done\ndata: {}\n\n'
    wire.answers(streamed(said))
    assert await follow(wire) == [ErrorFrame(None, "internal_error", "oops"), DoneFrame(None)]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ((), "stream_cut"),
        ((httpx.ReadError("reset"),), "connection_cut"),
        ((httpx.RemoteProtocolError("incomplete chunked read"),), "connection_cut"),
        ((httpx.ReadTimeout("silent"),), "timed_out"),
    ],
)
async def test_a_cut_stream_is_never_mistaken_for_its_end(
    wire: FakeWire, end: tuple[Exception, ...], code: str
) -> None:
    wire.answers(streamed(SAMPLE.encode()[:300], *end))
    seen: list[Frame] = []

    async def read() -> None:
        async for frame in wire.client.stream_run(AGENT_ID, RUN_ID):
            seen.append(frame)

    with pytest.raises(Retryable) as caught:
        await read()
    assert caught.value.code == code
    assert seen
    assert seen == FRAMES[: len(seen)]


async def test_a_web_page_is_no_stream(wire: FakeWire) -> None:
    wire.answers(streamed(b"<html>", content_type="text/html"))
    assert (await stream_failure(wire)).code == "bad_response"
