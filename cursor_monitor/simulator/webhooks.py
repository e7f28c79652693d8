"""Status webhooks of agents launched over v0: signed, retried, and unreliable where a rule says so."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.chance import uuid_of
from cursor_monitor.simulator.clock import timestamp
from cursor_monitor.simulator.faults import Faults
from cursor_monitor.simulator.gitstate import branches_of
from cursor_monitor.simulator.model import ERROR, FINISHED, Agent, Run
from cursor_monitor.simulator.reports import work_of

Json = dict[str, Any]
Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)
TIMEOUT_SECONDS = 10.0
NO_ANSWER = 0


async def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send one delivery; the status, NO_ANSWER where there was none."""
    import httpx  # Large, and needed only where someone asks for webhooks.

    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            return (await client.post(url, content=body, headers=dict(headers))).status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return NO_ANSWER


class Webhooks:
    """Waits for the ends of runs and tells whoever asked."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        settled: Mapping[str, str],
        settle: Callable[[str, str], None],
        post: Post,
    ) -> None:
        self._world = world
        self._faults = faults
        self._settled = settled
        self._settle = settle
        self._post = post
        self._tasks: set[asyncio.Task[None]] = set()
        self._sent = 0

    def expect(self, agent: Agent, run: Run) -> None:
        """Deliver when the run ends, if its agent has a webhook and this has not been done."""
        if not agent.spec.get("webhook") or run.id in self._settled:
            return
        task = asyncio.get_running_loop().create_task(self._deliver_later(agent, run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Forget what is not delivered."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _deliver_later(self, agent: Agent, run: Run) -> None:
        await self._end_of(run)
        url = agent.spec["webhook"]["url"]
        told = run.outcome in (FINISHED, ERROR) and agent.deleted_ms is None
        if not told or self._faults.take({"webhook_lost"}, "POST", url):
            self._settle(run.id, "not sent")
            return
        late = self._faults.take({"webhook_out_of_order"}, "POST", url)
        if late:
            await self._sleep(late.settings.get("seconds", 5.0))
        body = json.dumps(payload_of(self._world, agent, run)).encode()
        outcome = await self._attempt(agent, url, body)
        if self._faults.take({"webhook_duplicate"}, "POST", url):
            await self._send(agent, url, body)
        self._settle(run.id, outcome)

    async def _end_of(self, run: Run) -> None:
        wake = asyncio.Event()
        stop = self._world.watch(run.id, wake)
        try:
            while run.active(self._world.clock.now()):
                await self._world.clock.wait(run.ends_ms or 2**53, wake)
                wake.clear()
        finally:
            stop()

    async def _attempt(self, agent: Agent, url: str, body: bytes) -> str:
        for pause in (*RETRY_SECONDS, None):
            if 200 <= await self._send(agent, url, body) < 300:
                return "sent"
            if pause is not None:
                await self._sleep(pause)
        return "given up"

    async def _send(self, agent: Agent, url: str, body: bytes) -> int:
        self._sent += 1
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Cursor-Agent-Webhook/1.0",
            "X-Webhook-Event": "statusChange",
            "X-Webhook-ID": uuid_of(self._world.seed, "delivery", agent.id, self._sent),
        }
        secret = agent.spec["webhook"].get("secret")
        if secret:
            wrong = self._faults.take({"webhook_bad_signature"}, "POST", url)
            headers["X-Webhook-Signature"] = signature(body, f"not {secret}" if wrong else secret)
        return await self._post(url, body, headers)

    async def _sleep(self, seconds: float) -> None:
        until = self._world.clock.now() + round(seconds * self._world.scale * 1000)
        await self._world.clock.wait(until, asyncio.Event())


def signature(body: bytes, secret: str) -> str:
    """`sha256=` and the hex HMAC-SHA256 of the raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def payload_of(world: World, agent: Agent, run: Run) -> Json:
    """The body of a statusChange delivery."""
    ends = run.ends_ms or run.created_ms
    repo = agent.repos[0]
    branches = branches_of(world, agent, ends)
    target = {"url": f"https://cursor.com/agents?id={agent.id}"}
    if branches:
        target["branchName"] = branches[0]["branch"]
        target |= {"prUrl": branches[0]["prUrl"]} if "prUrl" in branches[0] else {}
    body: Json = {
        "event": "statusChange",
        "timestamp": timestamp(ends),
        "id": agent.id,
        "status": run.outcome,
        "source": {"repository": repo["url"]} | ({"ref": repo["startingRef"]} if "startingRef" in repo else {}),
        "target": target,
    }
    return body | ({"summary": work_of(agent, run, world.seed).done[0]} if run.outcome == FINISHED else {})
