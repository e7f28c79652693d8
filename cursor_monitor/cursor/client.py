"""The client of Cursor's Cloud Agents API v1, and of the one v0 call that v1 lacks."""

from __future__ import annotations

import asyncio
import random as random_module
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from urllib.parse import quote

import httpx

from cursor_monitor.cursor import payloads
from cursor_monitor.cursor.api import (
    Account,
    AgentSpec,
    AgentView,
    Artifact,
    ArtifactUrl,
    CursorApi,
    Image,
    Launched,
    Listing,
    Message,
    Model,
    RunView,
    UsageView,
)
from cursor_monitor.cursor.errors import Permanent, Retryable
from cursor_monitor.cursor.gate import Gate, Witness
from cursor_monitor.cursor.limits import RateLimits
from cursor_monitor.cursor.stream import DoneFrame, EventParser, Frame, failure_of, parse_frame
from cursor_monitor.cursor.wire import SLOW_READ_SECONDS, Wire


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build_client(
    base_url: str,
    api_key: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    random: Callable[[], float] = random_module.random,
    now: Callable[[], datetime] = _utc_now,
    gate: Gate | None = None,
    witness: Witness | None = None,
) -> HttpCursorApi:
    """A client for one key; raises ValueError, never quoting the key, where address or key is unusable."""
    wire = Wire(base_url, api_key, transport=transport, sleep=sleep, random=random, now=now, gate=gate, witness=witness)
    return HttpCursorApi(wire)


class HttpCursorApi(CursorApi):
    """CursorApi over HTTP."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._wire!r}>"

    @property
    def limits(self) -> RateLimits | None:
        return self._wire.limits

    async def create_agent(self, spec: AgentSpec) -> Launched:
        body = payloads.render_agent(spec)
        return await self._wire.write(
            "POST", "/v1/agents", payloads.parse_launched, body=body, read_seconds=SLOW_READ_SECONDS
        )

    async def get_agent(self, agent_id: str) -> AgentView:
        return await self._wire.read(_agent(agent_id), payloads.parse_agent)

    async def list_agents(
        self, limit: int = 100, cursor: str | None = None, include_archived: bool = True
    ) -> Listing[AgentView]:
        params = {"limit": limit, "cursor": cursor, "includeArchived": include_archived}
        return await self._wire.read("/v1/agents", payloads.parse_agents, params=params)

    async def delete_agent(self, agent_id: str) -> None:
        await self._wire.write("DELETE", _agent(agent_id), payloads.parse_confirmation)

    async def archive_agent(self, agent_id: str) -> None:
        await self._wire.write("POST", f"{_agent(agent_id)}/archive", payloads.parse_confirmation)

    async def unarchive_agent(self, agent_id: str) -> None:
        await self._wire.write("POST", f"{_agent(agent_id)}/unarchive", payloads.parse_confirmation)

    async def create_run(
        self,
        agent_id: str,
        prompt: str,
        *,
        mode: str | None = None,
        model: str | None = None,
        model_params: tuple[tuple[str, str], ...] = (),
        images: tuple[Image, ...] = (),
    ) -> RunView:
        path = f"{_agent(agent_id)}/runs"
        body = payloads.render_run(prompt, mode, model, model_params, images)
        return await self._wire.write(
            "POST", path, payloads.parse_created_run, body=body, read_seconds=SLOW_READ_SECONDS
        )

    async def list_runs(self, agent_id: str, limit: int = 20, cursor: str | None = None) -> Listing[RunView]:
        params = {"limit": limit, "cursor": cursor}
        return await self._wire.read(f"{_agent(agent_id)}/runs", payloads.parse_runs, params=params)

    async def get_run(self, agent_id: str, run_id: str) -> RunView:
        return await self._wire.read(_run(agent_id, run_id), payloads.parse_run)

    async def cancel_run(self, agent_id: str, run_id: str) -> None:
        await self._wire.write("POST", f"{_run(agent_id, run_id)}/cancel", payloads.parse_confirmation)

    async def get_usage(self, agent_id: str, run_id: str | None = None) -> UsageView:
        params = {"runId": run_id}
        return await self._wire.read(f"{_agent(agent_id)}/usage", payloads.parse_usage, params=params)

    async def list_artifacts(self, agent_id: str) -> tuple[Artifact, ...]:
        return await self._wire.read(f"{_agent(agent_id)}/artifacts", payloads.parse_artifacts)

    async def artifact_url(self, agent_id: str, path: str) -> ArtifactUrl:
        address = f"{_agent(agent_id)}/artifacts/download"
        return await self._wire.read(address, payloads.parse_artifact_url, params={"path": path})

    async def get_me(self) -> Account:
        return await self._wire.read("/v1/me", payloads.parse_account)

    async def list_models(self) -> tuple[Model, ...]:
        return await self._wire.read("/v1/models", payloads.parse_models)

    async def list_repositories(self) -> tuple[str, ...]:
        # One call a minute is all there is: a retry of ours would only meet the limit.
        return await self._wire.read(
            "/v1/repositories", payloads.parse_repositories, read_seconds=SLOW_READ_SECONDS, retries=0
        )

    async def get_conversation(self, agent_id: str) -> tuple[Message, ...]:
        path = f"/v0/agents/{_segment(agent_id)}/conversation"
        return await self._wire.read(path, payloads.parse_conversation)

    async def stream_run(
        self, agent_id: str, run_id: str, last_event_id: str | None = None
    ) -> AsyncGenerator[Frame, None]:
        resume = {"Last-Event-ID": last_event_id.encode()} if last_event_id else {}
        parser = EventParser()
        async with self._wire.open(f"{_run(agent_id, run_id)}/stream", resume) as response:
            async for chunk in response.aiter_bytes():
                for event in parser.feed(chunk):
                    frame = parse_frame(event)
                    if failure := failure_of(frame):
                        raise failure
                    yield frame
                    if isinstance(frame, DoneFrame):
                        return
        raise Retryable("stream_cut", "the stream ended before it was done")

    async def aclose(self) -> None:
        await self._wire.aclose()


def _agent(agent_id: str) -> str:
    return f"/v1/agents/{_segment(agent_id)}"


def _run(agent_id: str, run_id: str) -> str:
    return f"{_agent(agent_id)}/runs/{_segment(run_id)}"


def _segment(value: str) -> str:
    # An empty or dotted segment would turn the path into that of another resource.
    if value in ("", ".", ".."):
        raise Permanent("validation_error", f"{value!r} is no id")
    return quote(value, safe="")
