"""A simulator in this process whose clock stands still, and the worker's work done with the real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.simulator.app import serve
from cursor_monitor.simulator.clock import ManualClock
from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.sever import ConnectionCutError
from cursor_monitor.simulator.simulator import Simulator
from cursor_monitor.simulator.webhooks import Post
from tests.support.pump import Pump, skip

URL = "http://simulator.test"


class Wire(httpx.AsyncBaseTransport):
    """Requests to the simulator; one that it cuts off has no answer, as on a real connection."""

    def __init__(self, simulator: Simulator) -> None:
        self._asgi = httpx.ASGITransport(serve(simulator))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._asgi.handle_async_request(request)
        except ConnectionCutError as error:
            raise httpx.ReadError(str(error), request=request) from None


class Stage:
    """The simulator, and what a test does to it."""

    def __init__(self, post: Post | None = None, start: int | None = None) -> None:
        self.clock = ManualClock() if start is None else ManualClock(start)
        extra = {"post": post} if post else {}
        self.transport = Wire(Simulator(SimConfig(seed="7", time_scale=0.01), self.clock, **extra))

    def api(self, key: str = "crsr_test") -> HttpCursorApi:
        """The real client with that key, whose pauses take no time."""

        async def at_once(seconds: float) -> None:
            return None

        return build_client(URL, key, transport=self.transport, sleep=at_once)

    def pump(self, key: str = "crsr_test") -> Pump:
        """A worker with that client."""
        return Pump(self.api(key))

    async def fault(self, **rule: object) -> None:
        """Misbehave from now on."""
        await self.call("POST", "/_sim/faults", rule)

    async def behave(self) -> None:
        """No faults any more."""
        await self.call("DELETE", "/_sim/faults")

    async def hide(self, repository: str, hidden: bool) -> None:
        """Hide a repository from the key, or show it again."""
        await self.call(
            "PUT", "/_sim/repositories", {"repository": f"https://github.com/{repository}", "hidden": hidden}
        )

    async def ledger(self) -> list[dict[str, Any]]:
        """All agents that were ever created."""
        return (await self.call("GET", "/_sim/ledger"))["agents"]

    async def until(self, pump: Pump, condition: Callable[[], bool]) -> None:
        """Work, and let time pass, until it is so."""
        for _ in range(30):
            await pump.run_due()
            if condition():
                return
            self.clock.advance(10)
            skip(60)
            await asyncio.sleep(0)  # whoever waited for the simulator's clock goes on
        raise AssertionError("it never came to that")

    async def call(self, method: str, path: str, body: object = None, key: str = "crsr_test") -> Any:
        """One request; its JSON."""
        headers: Mapping[str, str] = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=URL, transport=self.transport) as http:
            answer = await http.request(method, path, content=json.dumps(body), headers=headers)
        assert answer.is_success, answer.text
        return answer.json()
