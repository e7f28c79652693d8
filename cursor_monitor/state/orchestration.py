"""One orchestration: its facts, tasks and timeline, live, and what a person can do to it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.status import ORCHESTRATION_TERMINAL, OrchestrationStatus
from cursor_monitor.queries.history import get_as_of
from cursor_monitor.queries.orchestrations import OrchestrationDetail, TaskRow, get_orchestration, list_tasks
from cursor_monitor.services import orchestrations, plans
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.task_followup import followup_task
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.drafts import key_of
from cursor_monitor.state.live import LiveMixin, query_parameter
from cursor_monitor.state.orchestration_views import (
    BUDGETS,
    BudgetView,
    ColumnView,
    OptionView,
    TaskView,
    board_of,
    budget_view,
    options_of,
    task_view,
)
from cursor_monitor.state.plan_view import NO_GRAPH, GraphView, graph_view

TABS = ("tasks", "board", "gantt", "timeline", "request")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROLS: dict[str, Callable[..., None]] = {
    "pause": orchestrations.pause,
    "resume": orchestrations.resume,
    "approve": orchestrations.approve,
    "retry": orchestrations.retry,
    "cancel": orchestrations.cancel,
}
_TASK_CONTROLS: dict[str, Callable[..., None]] = {
    "retry": orchestrations.retry_task,
    "skip": orchestrations.skip_task,
    "keep": orchestrations.keep_candidate,
}
_DONE = {
    "pause": "Paused",
    "resume": "Resumed",
    "approve": "Approved",
    "retry": "Tried again",
    "cancel": "Being cancelled",
    "skip": "Skipped",
    "keep": "Kept",
}
_NOTHING = OrchestrationDetail(
    id="",
    name="",
    status="",
    mode="",
    account_id="",
    repository="",
    ref=None,
    prompt="",
    model=None,
    options={},
    tasks_total=0,
    tasks_completed=0,
    active_agents=0,
    quality_score=None,
    quality_coverage=None,
    error_code=None,
    error_summary=None,
    created_by="",
    created_at=_NEVER,
    started_at=None,
    completed_at=None,
    updated_at=_NEVER,
    controls=(),
    last_seq=0,
    budgets=(),
)


class OrchestrationState(LiveMixin, ActingMixin, rx.State):
    """What the detail page shows of one orchestration."""

    detail: OrchestrationDetail = _NOTHING
    tasks: list[TaskView] = []
    board: list[ColumnView] = []
    graph: GraphView = NO_GRAPH
    options: list[OptionView] = []
    budgets: list[BudgetView] = []
    budget_errors: dict[str, str] = {}
    is_budgeting: bool = False
    may_set_budget: bool = False
    tab: str = TABS[0]
    following: str = ""
    at: int = 0  # shown as of that event; 0: as it is now
    at_time: datetime = _NEVER
    newest_seq: int = 0
    _plan_hash: str = ""  # of the plan that is shown, while it waits for approval
    _shown_id: str = ""

    @rx.event
    async def control(self, name: str):
        """Pause, resume, approve, retry or cancel."""
        service = _CONTROLS.get(name)
        if name == "approve" and self._plan_hash:
            service = partial(orchestrations.approve, plan_hash=self._plan_hash)
        if service is not None:
            await self._do(service, self._id(), done=_DONE[name])

    @rx.event
    def open_budget(self):
        """Open the form of the budget."""
        self.is_budgeting, self.budget_errors = True, {}

    @rx.event
    def close_budget(self):
        """Close it; nothing is changed."""
        self.is_budgeting = False

    @rx.event
    async def set_budget(self, form: dict[str, Any]):
        """Set the limits that were filled in; a refusal is shown at its field."""
        fields = {name: _number(str(form.get(name, "")).strip()) for name in BUDGETS if form.get(name)}
        try:
            await asyncio.to_thread(orchestrations.set_budget, self._id(), fields, by=caller_name())
        except Invalid as error:
            self.budget_errors = {error.field: error.message.partition(": ")[2]}
            self.notice = error.message
        except AppError as error:
            self.notice = error.message
        else:
            self.is_budgeting, self.notice, self.budget_errors = False, "", {}

    @rx.event
    async def control_task(self, name: str, key: str):
        """Retry or skip one task, or keep one candidate."""
        service = _TASK_CONTROLS.get(name)
        if service is not None:
            await self._do(service, self._id(), str(key), done=f"{_DONE[name]} {str(key)[:60]}")

    @rx.event
    def follow(self, key: str):
        """Open the follow-up form of a task, or close it."""
        self.following = "" if self.following == key else str(key)

    @rx.event
    async def send_followup(self, form: dict[str, Any]):
        """Send the follow-up; what was typed stays if it is refused."""
        text = str(form.get("followup", ""))
        send = partial(followup_task, idempotency_key=key_of(form, uuid.uuid4().hex))
        if await self._do(send, self._id(), self.following, text, done="Follow-up on its way"):
            self.following = ""

    @rx.event
    def travel(self, value: float):
        """Show it as of that event; the newest one is the present."""
        seq = int(value)
        moment = f"&at={seq}" if 0 < seq < self.newest_seq else ""
        return rx.redirect(f"{routes.orchestration(self._id())}?tab={self.tab}{moment}", replace=True)

    def _topic(self) -> str:
        return live.orchestration_topic(self._id())

    def _query(self) -> Callable[[], Any]:
        wanted = query_parameter(self, "tab")
        self.tab = wanted if wanted in TABS else TABS[0]
        if self._shown_id != self._id():
            self._shown_id, self.detail, self.tasks, self.board = self._id(), _NOTHING, [], []
            self.is_loaded, self.notice, self.following, self.is_budgeting = False, "", "", False
        wanted_at = query_parameter(self, "at")
        return partial(_shared_state, self._id(), int(wanted_at[:9]) if wanted_at[:9].isdecimal() else 0)

    def _show(self, result: _Read) -> None:
        detail, tasks, at = result.detail, result.tasks, result.at
        shown = [task_view(task, tasks, detail, is_past=at > 0) for task in tasks]
        self._plan_hash = result.plan_hash
        self._put(
            detail=detail,
            newest_seq=result.newest_seq,
            at=at,
            at_time=result.at_time,
            tasks=shown,
            board=board_of(shown),
            graph=graph_view([(t.key, t.title, t.status, t.depends_on, t.is_merge) for t in tasks]),
            budgets=[budget_view(budget) for budget in detail.budgets],
            may_set_budget=at == 0 and detail.status not in ORCHESTRATION_TERMINAL,
            options=options_of(detail.options),
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look at the database brings."""

    detail: OrchestrationDetail
    tasks: Sequence[TaskRow]
    newest_seq: int
    at: int = 0
    at_time: datetime = _NEVER
    plan_hash: str = ""


async def _shared_state(orchestration_id: str, at: int) -> _Read:
    """Read once for all who look at the same."""
    topic = live.orchestration_topic(orchestration_id)
    return await live.shared(f"{topic} {at}", topic, partial(_state_of, orchestration_id, at))


def _state_of(orchestration_id: str, at: int) -> _Read:
    if at > 0:
        with contextlib.suppress(Invalid):  # no such event: as it is now
            then = get_as_of(orchestration_id, at)
            return _Read(then.detail, then.tasks, then.newest_seq, at, then.at)
    detail = get_orchestration(orchestration_id)
    is_waiting = detail.status == OrchestrationStatus.WAITING
    plan_hash = plans.get_plan(orchestration_id).plan_hash if is_waiting else ""
    return _Read(detail, list_tasks(orchestration_id), detail.last_seq, plan_hash=plan_hash)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text  # the service says what is wrong with it
