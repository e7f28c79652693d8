"""Parts: the processes that together are the product, each in a process group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from cursor_monitor.runtime.children import dies_with_parent
from cursor_monitor.store.embedded import EmbeddedPostgres, EmbeddedPostgresError

OUTPUT_SECONDS = 1.0

Say = Callable[[str], None]


class PartFailedError(RuntimeError):
    """A part could not be started; the message is for a person."""


class Part(Protocol):
    """What a supervisor needs to know of a process."""

    name: str

    async def start(self, say: Say) -> None:
        """Start the process; return when it does its work, raise PartFailedError where it cannot."""
        ...

    async def wait(self) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        ...

    async def stop(self, hurry: asyncio.Event) -> None:
        """End the process and all it started; without further grace once `hurry` is set."""
        ...

    def pids(self) -> list[int]:
        """The process, while it runs."""
        ...


class Command:
    """A part that is one command line; its output is said line by line, with its name before it."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        grace_seconds: float = 10.0,
        is_ready: Callable[[], Awaitable[bool]] | None = None,
        ready_seconds: float = 60.0,
    ) -> None:
        self.name = name
        self._argv = list(argv)
        self._cwd = cwd
        self._environ = dict(environ)
        self._grace_seconds = grace_seconds
        self._is_ready = is_ready
        self._ready_seconds = ready_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None

    async def start(self, say: Say) -> None:
        """Spawn the command and wait until it is ready; PartFailedError where it ends before."""
        # A pipe of our own: asyncio's own keeps wait() waiting while any descendant holds it open.
        reading, writing = os.pipe()
        try:
            process = await self._spawn(writing)
        except OSError as error:
            os.close(reading)
            raise PartFailedError(str(error)) from None
        finally:
            os.close(writing)
        self._process = process
        self._output = asyncio.create_task(_pass_on(reading, self.name, say))
        if self._is_ready is not None:
            await self._wait_until_ready(process, self._is_ready)

    async def wait(self) -> int:
        """Wait for the end; whatever the command left running in its group is ended too."""
        assert self._process is not None  # noqa: S101
        code = await self._process.wait()
        await self._finish(self._process.pid)
        return code

    async def stop(self, hurry: asyncio.Event) -> None:
        """SIGTERM, then SIGKILL to the whole group after the grace."""
        if self._process is None:
            return
        ended = asyncio.ensure_future(self._process.wait())
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
        await _first_of(ended, hurry, self._grace_seconds)
        _signal_group(self._process.pid, signal.SIGKILL)
        await ended
        await self._finish(self._process.pid)

    def pids(self) -> list[int]:
        """The process, while it runs."""
        if self._process is None or self._process.returncode is not None:
            return []
        return [self._process.pid]

    async def _spawn(self, output: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._argv,
            cwd=self._cwd,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )

    async def _finish(self, group: int) -> None:
        _signal_group(group, signal.SIGKILL)
        if self._output is not None:
            # A process that left the group may hold the pipe open for ever.
            await asyncio.wait({self._output}, timeout=OUTPUT_SECONDS)
            self._output.cancel()

    async def _wait_until_ready(
        self, process: asyncio.subprocess.Process, is_ready: Callable[[], Awaitable[bool]]
    ) -> None:
        try:
            async with asyncio.timeout(self._ready_seconds):
                while not await is_ready():
                    if process.returncode is not None:
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise PartFailedError(f"{self.name} was not ready after {self._ready_seconds:g} s") from None


class Database:
    """The embedded Postgres as a part."""

    name = "postgres"

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    async def start(self, say: Say) -> None:
        """Start the server; PartFailedError with the end of its log where it cannot."""
        try:
            # In this thread: the server ends with the thread that spawned it.
            self.server.launch()
            await asyncio.to_thread(self.server.wait_until_ready)
        except (EmbeddedPostgresError, OSError) as error:
            raise PartFailedError(str(error)) from None

    async def wait(self) -> int:
        """Wait for the end of the server process."""
        process = self.server.process
        return await asyncio.to_thread(process.wait) if process is not None else 0

    async def stop(self, hurry: asyncio.Event) -> None:
        """A fast shutdown, harder in a hurry or when it takes long."""
        stopped = asyncio.ensure_future(asyncio.to_thread(self.server.stop))
        await _first_of(stopped, hurry, None)
        if not stopped.done() and self.server.process is not None:
            self.server.process.send_signal(signal.SIGQUIT)
        await stopped

    def pids(self) -> list[int]:
        """The server process, while it runs."""
        process = self.server.process
        return [process.pid] if process is not None and process.poll() is None else []


async def _pass_on(descriptor: int, name: str, say: Say) -> None:
    stream = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    try:
        async for line in _lines(stream):
            say(f"{name:<9} | {line}")
    finally:
        transport.close()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of any length (StreamReader.readline gives up at 64 KiB)."""
    held = b""
    while chunk := await stream.read(65536):
        *whole, held = (held + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if held:
        yield held.decode(errors="replace")


async def _first_of(ended: asyncio.Future[Any], hurry: asyncio.Event, seconds: float | None) -> None:
    hurried = asyncio.ensure_future(hurry.wait())
    await asyncio.wait({ended, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
