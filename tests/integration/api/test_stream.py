"""The stream of events: what was missed, then what happens, until the client leaves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cursor_monitor import live
from cursor_monitor.api import events
from cursor_monitor.api.ending import ending_streams
from cursor_monitor.services import orchestrations
from cursor_monitor.store.embedded import EmbeddedPostgres

from .asgi import Exchange
from .conftest import API, LAUNCH, edge_app


@pytest.fixture
async def feed(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[live.ChangeFeed]:
    made = live.ChangeFeed()
    monkeypatch.setattr(live, "feed", made)
    task = asyncio.create_task(made.run())
    await made.changed("connection", made.version("connection"), 5)
    assert made.is_connected
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def orchestration_id(database: str) -> str:
    made = orchestrations.launch(LAUNCH, by="test")
    orchestrations.pause(made, by="test")
    return made


@asynccontextmanager
async def streaming(
    orchestration_id: str, query: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[Exchange]:
    path = f"{API}/orchestrations/{orchestration_id}/events/stream{query}"
    async with Exchange(edge_app(), "GET", path, headers) as exchange:
        exchange.send_body()
        start = await exchange.receive()
        assert start["status"] == 200
        assert dict(start["headers"])[b"content-type"].startswith(b"text/event-stream")
        assert (await exchange.next_block()).startswith("retry: ")
        yield exchange


async def next_event(exchange: Exchange) -> dict[str, Any]:
    while (block := await exchange.next_block()).startswith(":"):
        pass
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    event = json.loads(fields["data"])
    assert fields["id"] == str(event["seq"])
    return event


async def test_what_was_and_what_comes(feed: live.ChangeFeed, orchestration_id: str) -> None:
    async with streaming(orchestration_id) as exchange:
        assert [(await next_event(exchange))["seq"] for _ in range(2)] == [1, 2]
        await asyncio.to_thread(orchestrations.resume, orchestration_id, by="ann")
        event = await next_event(exchange)
        assert (event["seq"], event["type"]) == (3, "OrchestrationResumed")


@pytest.mark.parametrize(
    ("query", "headers"), [("?after=1", {}), ("", {"Last-Event-ID": "1"}), ("?after=0", {"Last-Event-ID": "1"})]
)
async def test_it_goes_on_where_the_client_was(
    feed: live.ChangeFeed, orchestration_id: str, query: str, headers: dict[str, str]
) -> None:
    async with streaming(orchestration_id, query, headers) as exchange:
        assert (await next_event(exchange))["seq"] == 2


async def test_more_events_than_a_page_come_whole(
    feed: live.ChangeFeed, orchestration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_LIMIT", 1)
    await asyncio.to_thread(orchestrations.resume, orchestration_id, by="ann")
    async with streaming(orchestration_id) as exchange:
        assert [(await next_event(exchange))["seq"] for _ in range(3)] == [1, 2, 3]


async def test_silence_is_filled_with_heartbeats(
    feed: live.ChangeFeed, orchestration_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.02)
    async with streaming(orchestration_id, "?after=2") as exchange:
        assert await exchange.next_block() == ": heartbeat"
        assert await exchange.next_block() == ": heartbeat"


async def test_it_ends_when_the_client_leaves(feed: live.ChangeFeed, orchestration_id: str) -> None:
    async with streaming(orchestration_id) as exchange:
        await next_event(exchange)
        exchange.send({"type": "http.disconnect"})
        await exchange.ended()
    assert not feed._waiters.get(live.orchestration_topic(orchestration_id))


async def test_it_ends_when_the_process_is_told_to_end(feed: live.ChangeFeed, orchestration_id: str) -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        async with ending_streams(), streaming(orchestration_id, "?after=2") as exchange:
            os.kill(os.getpid(), signal.SIGTERM)
            await exchange.ended()
        assert told == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_it_outlives_the_database(feed: live.ChangeFeed, orchestration_id: str, server: EmbeddedPostgres) -> None:
    async with streaming(orchestration_id, "?after=2") as exchange:
        server.stop()
        server.start()
        await asyncio.to_thread(orchestrations.resume, orchestration_id, by="ann")
        assert (await next_event(exchange))["seq"] == 3


async def test_a_wrong_position_is_refused(feed: live.ChangeFeed, orchestration_id: str) -> None:
    path = f"{API}/orchestrations/{orchestration_id}/events/stream"
    async with Exchange(edge_app(), "GET", path, {"Last-Event-ID": "abc"}) as exchange:
        exchange.send_body()
        assert (await exchange.receive())["status"] == 422
