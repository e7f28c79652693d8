"""A TCP proxy that can be cut, silenced and shut, before one server or several by turns."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from psycopg.conninfo import conninfo_to_dict

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Target = Callable[[], Awaitable[Streams]]


class Proxy:
    """Each connection goes to the next of the targets; `port` is where it listens on this machine."""

    def __init__(self, *targets: Target) -> None:
        self._count = len(targets)
        self._targets = itertools.cycle(targets)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_shut = False
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.count = 0  # connections so far

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Break every connection, and listen no more."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Break every connection there is, with a reset."""
        self._do(self._cut())

    def silence(self, is_silent: bool) -> None:
        """Pass nothing on, in either direction, though every connection stays; or go on."""
        self._loop.call_soon_threadsafe(self._flows.clear if is_silent else self._flows.set)

    def shut(self, is_shut: bool) -> None:
        """Break every connection and take no new one; or open again."""
        self._is_shut = is_shut
        if is_shut:
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        if self._is_shut:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await self._reach()
                self._writers.add(far_writer)
                try:
                    await self._join(reader, writer, far_reader, far_writer)
                finally:
                    self._writers.discard(far_writer)
                    far_writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _reach(self) -> Streams:
        """The next of the targets that takes a connection."""
        for left in reversed(range(self._count)):
            with contextlib.ExitStack() as stack:
                if left:
                    stack.enter_context(contextlib.suppress(OSError))
                return await next(self._targets)()
        raise AssertionError

    async def _join(self, *ends: Any) -> None:
        reader, writer, far_reader, far_writer = ends
        ways = {asyncio.create_task(self._pass_on(*way)) for way in ((reader, far_writer), (far_reader, writer))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
            await writer.drain()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        self._flows.set()
        await self._cut()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


def to_port(port: int) -> Target:
    """A server on a port of this machine."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


def to_postgres(url: str) -> Target:
    """The Postgres of a URL that names the folder of its socket."""
    there = conninfo_to_dict(url)
    path = Path(str(there["host"])) / f".s.PGSQL.{there.get('port', 5432)}"
    return lambda: asyncio.open_unix_connection(str(path))


def through(proxy: Proxy, url: str) -> str:
    """The URL of a database by way of the proxy before its server."""
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{conninfo_to_dict(url)['dbname']}"
