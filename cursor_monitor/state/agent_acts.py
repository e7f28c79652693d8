"""What a person does to the agent shown, and what it used and left behind."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries.agents import AgentRow, ArtifactsRow, UsageRow, get_agent, get_artifacts, get_usage
from cursor_monitor.services import agents, upkeep
from cursor_monitor.services.caller import personal
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.agents import dollars
from cursor_monitor.state.drafts import key_of
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.models import ModelMixin
from cursor_monitor.state.pictures import pictures_of


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file that the agent left behind, and where to get it."""

    path: str
    size: str
    href: str


@dataclass(frozen=True, slots=True)
class _Shown:
    agent: AgentRow
    controls: tuple[str, ...]
    usage: UsageRow
    artifacts: ArtifactsRow


class AgentActsState(LiveMixin, ActingMixin, ModelMixin, rx.State):
    """Controls, tags, usage and files of one agent."""

    controls: list[str] = []
    tags: list[str] = []
    pinned: bool = False
    shelf: str = "current"
    cost: str = ""
    tokens: str = ""
    usage_note: str = ""
    usage_at: str = ""
    files: list[FileLine] = []
    files_note: str = ""
    sent: int = 0
    tagged: int = 0
    _shown_id: str = ""

    @rx.event(background=True)
    async def open(self):
        """The models to choose from, and usage and files read anew."""
        async with self:
            agent_id = self._id()
        try:
            await asyncio.to_thread(upkeep.want_facts, agent_id)
            account = (await asyncio.to_thread(get_agent, agent_id)).agent.account_id
            async with self:
                await self._load_models(account)
        except AppError:
            return  # the page says what is wrong, or that there is no such agent

    @rx.event
    async def send(self, form: dict[str, Any]):
        """Send a follow-up; what was typed stays if it is refused."""
        key = key_of(form, uuid.uuid4().hex)
        service = partial(agents.followup, extras=self._extras(form), idempotency_key=key)
        if await self._do(service, self._id(), str(form.get("followup", "")), done="Follow-up on its way"):
            self.sent += 1  # a new key for the form, so that it is empty again
            self.model = ""

    @rx.event
    async def archive(self):
        """Archive it at Cursor."""
        await self._do(partial(agents.change, action="archive"), self._id(), done="Being archived at Cursor")

    @rx.event
    async def unarchive(self):
        """Let it take follow-ups again."""
        await self._do(partial(agents.change, action="unarchive"), self._id(), done="Being unarchived at Cursor")

    @rx.event
    async def delete(self):
        """Delete it at Cursor for good."""
        await self._do(partial(agents.change, action="delete"), self._id(), done="Being deleted at Cursor")

    @rx.event
    async def toggle_pin(self):
        """Pin it, or let it go."""
        done = "Let go" if self.pinned else "Pinned"
        await self._do(partial(agents.pin, is_pinned=not self.pinned), self._id(), done=done)

    @rx.event
    async def add_tag(self, form: dict[str, Any]):
        """Put a tag on it."""
        if await self._do(agents.tag, self._id(), str(form.get("tag", ""))):
            self.tagged += 1

    @rx.event
    async def remove_tag(self, word: str):
        """Take a tag off it."""
        await self._do(agents.untag, self._id(), word)

    def _extras(self, form: Mapping[str, Any]) -> dict[str, Any]:
        shown = pictures_of(form, "followup_images")
        return {**self._model_fields(form), **({"images": shown} if shown else {})}

    def _topic(self) -> str:
        return live.agent_topic(self._id())

    def _query(self) -> Callable[[], Any]:
        if self._shown_id != self._id():
            self._shown_id, self.is_loaded, self.notice = self._id(), False, ""
            self.controls, self.tags, self.files = [], [], []
        return partial(_read, self._id(), personal())

    def _show(self, result: _Shown) -> None:
        it, usage = result.agent, result.usage.usage or {}
        self.controls, self.tags = list(result.controls), list(it.tags)
        self.pinned, self.shelf = it.pinned, it.shelf
        tokens = usage.get("total_tokens")
        self.tokens = "" if tokens is None else f"{tokens:,}"
        self.cost = dollars(usage.get("charged_cents"))
        self.usage_note = _why_unknown(result.usage.refusal)
        self.usage_at = result.usage.fetched_at.isoformat() if result.usage.fetched_at else ""
        self.files = [_file(it.id, one) for one in result.artifacts.items]
        self.files_note = _why_unknown(result.artifacts.refusal)


def _read(agent_id: str, pins_of: str) -> _Shown:
    detail = get_agent(agent_id, pins_of)
    return _Shown(detail.agent, detail.controls, get_usage(agent_id), get_artifacts(agent_id))


def _file(agent_id: str, kept: Mapping[str, Any]) -> FileLine:
    path, size = str(kept["path"]), kept.get("size_bytes")
    shown = "" if size is None else f"{size / 1024:,.0f} KB" if size >= 1024 else f"{size} B"
    return FileLine(path, shown, f"{routes.API}/agents/{agent_id}/artifacts/{quote(path)}/download")


def _why_unknown(refusal: str | None) -> str:
    return f"Cursor does not tell ({refusal})." if refusal else ""
