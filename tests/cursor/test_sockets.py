"""The client on real connections: what httpx itself makes of cuts, silence and closed ports."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from cursor_monitor.cursor import fence
from cursor_monitor.cursor import wire as wire_module
from cursor_monitor.cursor.api import AgentSpec
from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.cursor.errors import CursorError, OutcomeUnknown, Retryable
from cursor_monitor.cursor.stream import StatusFrame
from tests.cursor.harness import AGENT_ID, RUN_ID
from tests.cursor.test_secrecy import SECRETS

KEY = SECRETS[0]
SPEC = AgentSpec(AGENT_ID, "x", None)


async def no_pause(seconds: float) -> None:
    """Retries follow at once."""


class Server:
    """A TCP server that reads each request and sends back fixed bytes, then closes or keeps silent."""

    def __init__(self, answer: bytes, *, silent: bool) -> None:
        self.answer, self.silent = answer, silent
        self.requests: list[bytes] = []
        self.release = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):  # who connects may think better of it
                await self._answer(reader, writer)
        finally:
            writer.close()
            self._answering.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        self.requests.append(head + await reader.readexactly(length))
        writer.write(self.answer)
        await writer.drain()
        if self.silent:
            await self.release.wait()

    async def end(self) -> None:
        """Let go of whoever still waits, so that no connection outlives its test."""
        self.release.set()
        if self._answering:
            await asyncio.wait(self._answering)


@asynccontextmanager
async def serving(answer: bytes, *, silent: bool = False) -> AsyncIterator[tuple[Server, HttpCursorApi]]:
    server = Server(answer, silent=silent)
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    client = build_client(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", KEY, sleep=no_pause)
    try:
        yield server, client
    finally:
        await client.aclose()
        listener.close()
        await listener.wait_closed()
        await asyncio.sleep(0)  # a connection made a moment ago begins to be answered
        await server.end()


HALF = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"agent": {'
CHUNKED = b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"agent"\r\n'
UNMEASURED = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{"agent": {'


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "connection_cut"),
        (b"HTTP/1.1 20", "connection_cut"),
        (b"garbage\r\n\r\n", "connection_cut"),
        (HALF, "connection_cut"),
        (CHUNKED, "connection_cut"),
        (UNMEASURED, "bad_response"),
    ],
)
async def test_a_cut_answer(caplog: pytest.LogCaptureFixture, answer: bytes, code: str) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(answer) as (server, client):
        with pytest.raises(OutcomeUnknown) as unknown:
            await client.create_agent(SPEC)
        assert (unknown.value.code, len(server.requests)) == (code, 1)
        with pytest.raises(Retryable) as retryable:
            await client.get_agent(AGENT_ID)
        assert (retryable.value.code, len(server.requests)) == (code, 4)
    assert all(secret not in caplog.text for secret in SECRETS)


async def test_a_closed_port_was_never_reached() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = build_client(f"http://127.0.0.1:{taken.getsockname()[1]}", KEY, sleep=no_pause)
        with pytest.raises(CursorError) as caught:
            await client.create_agent(SPEC)
        await client.aclose()
    assert (type(caught.value), caught.value.code) == (Retryable, "connection_failed")


async def test_a_name_that_does_not_resolve_was_never_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = build_client("http://nowhere.invalid", KEY, sleep=no_pause)
    with pytest.raises(CursorError) as caught:
        await client.create_agent(SPEC)
    await client.aclose()
    assert type(caught.value) is Retryable


async def test_silence_after_a_post_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "TOTAL_SECONDS", 0.05)
    async with serving(b"HTTP/1.1 201 Created\r\n", silent=True) as (server, client):
        with pytest.raises(OutcomeUnknown) as caught:
            await client.create_agent(SPEC)
        assert (caught.value.code, len(server.requests)) == ("timed_out", 1)


async def test_a_stream_is_delivered_while_it_is_open() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    frame = b'event: status\ndata: {"status":"RUNNING"}\n\n'
    async with serving(head + frame, silent=True) as (server, client):
        frames = client.stream_run(AGENT_ID, RUN_ID)
        assert await anext(aiter(frames)) == StatusFrame(None, None, "RUNNING")
        server.release.set()
        with pytest.raises(Retryable, match="stream_cut"):
            await anext(aiter(frames))


STOPPED = """
import asyncio, os, signal, sys
from cursor_monitor.cursor import fence
from cursor_monitor.cursor.client import build_client
from cursor_monitor.cursor.gate import OpenGate

class Stops(OpenGate):
    async def enter(self, endpoint):
        os.kill(os.getpid(), signal.SIGSTOP)

async def send(seconds, gate):
    client = build_client(sys.argv[1], "key_1", gate=gate)
    with fence.sending_until(fence.clock() + seconds):
        await client.create_run(sys.argv[2], "Go on.")

looked = fence.check_write
async def stops_after_the_look(event, info):
    await looked(event, info)
    if event.endswith("request_headers.started"):
        os.kill(os.getpid(), signal.SIGSTOP)

if sys.argv[3:]:
    fence.check_write = stops_after_the_look
sending = send(1.0, OpenGate()) if sys.argv[3:] else send(0.3, Stops())
try:
    asyncio.run(sending)
except Exception as error:
    print(type(error).__name__, error.code)
"""


async def stopped_sender(*more: str) -> tuple[str, int, list[bytes]]:
    """What a sender said that was stopped until its time was over, how it ended, and what the server was sent."""
    async with serving(b"HTTP/1.1 201 Created\r\n") as (server, client):
        url = str(client._wire._http.base_url)
        sender = subprocess.Popen(  # noqa: ASYNC220 - this very interpreter, and waiting for its stop is quick
            [sys.executable, "-c", STOPPED, url, AGENT_ID, *more], stdout=subprocess.PIPE, text=True
        )
        try:
            await asyncio.to_thread(os.waitpid, sender.pid, os.WUNTRACED)
            if not more:
                await asyncio.sleep(0.35)  # its time runs out while it is stopped, which no event tells of
                sender.send_signal(signal.SIGCONT)
            said, _ = await asyncio.to_thread(sender.communicate, None, 20)
        finally:
            sender.kill()
        return said, sender.returncode, server.requests


async def test_a_sender_that_was_stopped_until_its_time_was_over_sends_nothing() -> None:
    assert await stopped_sender() == ("Retryable too_late\n", 0, [])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such timers")
async def test_one_that_was_stopped_between_the_look_and_the_write_is_ended_by_the_kernel() -> None:
    assert await stopped_sender("after the look") == ("", -signal.SIGKILL, [])


async def test_what_takes_too_long_to_connect_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.0, 5.0])
    monkeypatch.setattr(fence, "clock", lambda: next(times))
    async with serving(b"HTTP/1.1 201 Created\r\n") as (server, client):
        with fence.sending_until(fence.clock() + 1), pytest.raises(Retryable, match="too_late"):
            await client.create_run(AGENT_ID, "Go on.")
        assert server.requests == []
