"""One ASGI exchange under the test's control: bodies sent piece by piece, answers read as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType

from starlette.types import ASGIApp, Message

PATIENCE_SECONDS = 5.0


class Exchange:
    """A request whose body may go on for ever and whose answer may never end."""

    def __init__(
        self, app: ASGIApp, method: str, path: str, headers: Mapping[str, str] | None = None, *, kind: str = "http"
    ) -> None:
        path, _, query = path.partition("?")
        sent = {"host": "localhost:3000", **(headers or {})}
        self._scope = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "subprotocols": [],
        }
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._text = ""
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Exchange:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def send(self, message: Message) -> None:
        """Put one message of the client in the way of the application."""
        self._to_app.put_nowait(message)

    def send_body(self, body: bytes = b"", *, more: bool = False) -> None:
        """One piece of the body."""
        self.send({"type": "http.request", "body": body, "more_body": more})

    async def receive(self) -> Message:
        """The next message of the application."""
        return await asyncio.wait_for(self._from_app.get(), PATIENCE_SECONDS)

    async def next_block(self) -> str:
        """The next block of a stream of server-sent events."""
        while "\n\n" not in self._text:
            self._text += (await self.receive())["body"].decode()
        block, _, self._text = self._text.partition("\n\n")
        return block

    async def ended(self) -> None:
        """Wait until the application is done with it."""
        await asyncio.wait_for(asyncio.shield(self._task), PATIENCE_SECONDS)

    async def _run(self) -> None:
        await self._app(self._scope, self._to_app.get, self._from_app.put)
