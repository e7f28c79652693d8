"""One agent: its facts, its runs and follow-ups, live, and what a person can do to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries.agents import AgentDetail, AgentRow, FollowupRow, RunRow, get_agent
from cursor_monitor.services import agents
from cursor_monitor.services.code_host_watch import want_fresh_look
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.code_host import CheckView, CodeHostView, FileView, checks_of, files_of, view_of
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.truth import TruthView, WordView, truth_of, words_of

_NOTHING = AgentRow(
    id="",
    name=None,
    state="",
    run_status=None,
    agent_status=None,
    origin="",
    account_id="",
    orchestration_id=None,
    task_key=None,
    repository=None,
    ref=None,
    branch=None,
    pr_url=None,
    model=None,
    latest_run_id=None,
    error_message=None,
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
    launched_at=None,
    observed_at=None,
)


class AgentState(LiveMixin, ActingMixin, rx.State):
    """What the detail page shows of one agent."""

    agent: AgentRow = _NOTHING
    prompt: str = ""
    url: str = ""
    created_by: str = ""
    runs: list[RunRow] = []
    waiting: list[FollowupRow] = []
    controls: list[str] = []
    truth: TruthView = TruthView()
    words: list[WordView] = []
    code_host: CodeHostView = CodeHostView()
    checks: list[CheckView] = []
    files: list[FileView] = []
    _shown_id: str = ""

    @rx.event
    async def stop(self):
        """Cancel what the agent is doing."""
        await self._do(agents.stop, self._id(), done="Being stopped at Cursor")

    @rx.event(background=True)
    async def ask_code_host(self):
        """Have the code host asked anew: its rarer looks may be an hour old."""
        async with self:
            agent_id = self._id()
        with contextlib.suppress(AppError):  # the page says what is wrong, or that there is no such agent
            await asyncio.to_thread(want_fresh_look, agent_id)

    def _topic(self) -> str:
        return live.agent_topic(self._id())

    def _query(self) -> Callable[[], Any]:
        if self._shown_id != self._id():
            self._shown_id, self.is_loaded, self.notice = self._id(), False, ""
            self.agent, self.runs, self.waiting, self.controls = _NOTHING, [], [], []
            self.code_host, self.checks, self.files = CodeHostView(), [], []
            self.truth, self.words = TruthView(), []
        return partial(get_agent, self._id())

    def _show(self, result: AgentDetail) -> None:
        self.agent = result.agent
        self.prompt = result.prompt or ""
        self.url = result.url or ""
        self.created_by = result.created_by or ""
        self.runs = list(result.runs)
        self.waiting = [f for f in result.followups if f.status != "sent"]
        self.controls = list(result.controls)
        self.truth, self.words = truth_of(result.truth), words_of(result.truth)
        self.code_host = view_of(result.code_host)
        self.checks = checks_of(result.code_host)
        self.files = files_of(result.code_host)
