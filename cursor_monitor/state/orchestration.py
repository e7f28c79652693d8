"""One orchestration: its facts, tasks and timeline, live, and what a person can do to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.controls import possible_task_controls
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.status import ORCHESTRATION_TERMINAL, Level, OrchestrationStatus, TaskStatus
from cursor_monitor.queries.history import get_as_of
from cursor_monitor.queries.orchestrations import (
    BudgetRow,
    EventRow,
    OrchestrationDetail,
    TaskRow,
    get_orchestration,
    list_events,
    list_tasks,
)
from cursor_monitor.services import orchestrations, plans
from cursor_monitor.services.caller import caller_name
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.live import LiveMixin, query_parameter
from cursor_monitor.state.plan_view import NO_GRAPH, GraphView, graph_view

TABS = ("tasks", "timeline", "request")
_EVENTS = 100
_MOST_EVENTS = 1000
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
}
_DONE = {
    "pause": "Paused",
    "resume": "Resumed",
    "approve": "Approved",
    "retry": "Tried again",
    "cancel": "Being cancelled",
    "skip": "Skipped",
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
_BUDGETS = {
    "max_agents": "Agents",
    "max_followups": "Follow-ups",
    "budget_cents": "Cost",
    "wall_hours": "Time",
}


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as the page shows it."""

    key: str
    title: str
    prompt: str
    status: str
    depends_on: str
    agent_id: str | None
    branch: str | None
    pr_url: str | None
    checks: str
    attempts: int
    iterations: int
    quality_score: int | None
    quality_coverage: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    waits_for: str | None
    can_retry: bool
    can_skip: bool
    can_follow: bool


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as the page shows it, its payload as text."""

    seq: int
    type: str
    level: str
    task_key: str | None
    message: str
    payload: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One budget as the page shows it; `share` in percent, below zero where there is no limit."""

    name: str
    label: str
    words: str
    share: float
    warning: str


@dataclass(frozen=True, slots=True)
class OptionView:
    """One option and its value."""

    name: str
    value: str


class OrchestrationState(LiveMixin, ActingMixin, rx.State):
    """What the detail page shows of one orchestration."""

    detail: OrchestrationDetail = _NOTHING
    tasks: list[TaskView] = []
    graph: GraphView = NO_GRAPH
    events: list[EventView] = []
    options: list[OptionView] = []
    budgets: list[BudgetView] = []
    budget_errors: dict[str, str] = {}
    is_budgeting: bool = False
    may_set_budget: bool = False
    has_older: bool = False
    tab: str = TABS[0]
    level: str = ""
    following: str = ""
    at: int = 0  # shown as of that event; 0: as it is now
    at_time: datetime = _NEVER
    newest_seq: int = 0
    _limit: int = _EVENTS
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
        fields = {name: _number(str(form.get(name, "")).strip()) for name in _BUDGETS if form.get(name)}
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
        """Retry or skip one task."""
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
        if await self._do(orchestrations.followup_task, self._id(), self.following, text, done="Follow-up on its way"):
            self.following = ""

    @rx.event
    def set_level(self, value: str):
        """Show events of one level only."""
        self.level = value if value in tuple(Level) else ""
        return OrchestrationState.watch

    @rx.event
    def load_older(self):
        """Show more of the timeline."""
        self._limit = min(self._limit + _EVENTS, _MOST_EVENTS)
        return OrchestrationState.watch

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
            self._shown_id, self._limit = self._id(), _EVENTS
            self.detail, self.tasks, self.events = _NOTHING, [], []
            self.is_loaded, self.notice, self.following, self.is_budgeting = False, "", "", False
        wanted_at = query_parameter(self, "at")
        return partial(_read, self._id(), self._limit, int(wanted_at[:9]) if wanted_at[:9].isdecimal() else 0)

    def _show(self, result: _Read) -> None:
        self.detail, tasks, events = result.detail, result.tasks, result.events
        self.has_older, self.newest_seq = result.has_older, result.newest_seq
        self.at, self.at_time, self._plan_hash = result.at, result.at_time, result.plan_hash
        self.tasks = [_task_view(task, self.detail, is_past=self.at > 0) for task in tasks]
        self.graph = graph_view([(t.key, t.title, t.status, t.depends_on, t.is_merge) for t in tasks])
        self.events = [_event_view(event) for event in events if self.level in ("", event.level)]
        self.budgets = [_budget_view(budget) for budget in self.detail.budgets]
        self.may_set_budget = self.at == 0 and self.detail.status not in ORCHESTRATION_TERMINAL
        self.options = [
            OptionView(name.replace("_", " "), _value(value)) for name, value in self.detail.options.items()
        ]


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look at the database brings."""

    detail: OrchestrationDetail
    tasks: Sequence[TaskRow]
    newest_seq: int
    at: int = 0
    at_time: datetime = _NEVER
    events: Sequence[EventRow] = ()
    has_older: bool = False
    plan_hash: str = ""


def _read(orchestration_id: str, limit: int, at: int) -> _Read:
    found = _state_of(orchestration_id, at)
    events: list[EventRow] = []
    before = found.at + 1 if found.at else None
    while len(events) < limit:
        page = list_events(orchestration_id, newest_first=True, before=before, limit=_EVENTS)
        events.extend(page.items)
        if page.next_cursor is None:
            return replace(found, events=events)
        before = int(page.next_cursor)
    return replace(found, events=events, has_older=True)


def _state_of(orchestration_id: str, at: int) -> _Read:
    if at > 0:
        with contextlib.suppress(Invalid):  # no such event: as it is now
            then = get_as_of(orchestration_id, at)
            return _Read(then.detail, then.tasks, then.newest_seq, at, then.at)
    detail = get_orchestration(orchestration_id)
    is_waiting = detail.status == OrchestrationStatus.WAITING
    plan_hash = plans.get_plan(orchestration_id).plan_hash if is_waiting else ""
    return _Read(detail, list_tasks(orchestration_id), detail.last_seq, plan_hash=plan_hash)


def _task_view(task: TaskRow, detail: OrchestrationDetail, *, is_past: bool) -> TaskView:
    status = OrchestrationStatus(detail.status)
    controls = () if is_past else possible_task_controls(TaskStatus(task.status), status)
    follows = not is_past and task.agent_id is not None and task.status in (TaskStatus.RUNNING, TaskStatus.COMPLETED)
    return TaskView(
        key=task.key,
        title=task.title,
        prompt=task.prompt,
        status=task.status,
        depends_on=", ".join(task.depends_on),
        agent_id=task.agent_id,
        branch=task.branch,
        pr_url=task.pr_url,
        checks=task.checks or "",
        attempts=task.attempts,
        iterations=task.iterations,
        quality_score=task.quality_score,
        quality_coverage=task.quality_coverage,
        error_message=task.error_message,
        started_at=task.started_at,
        completed_at=task.completed_at,
        waits_for=task.waits_for,
        can_retry="retry" in controls,
        can_skip="skip" in controls,
        can_follow=follows and status not in ORCHESTRATION_TERMINAL,
    )


def _event_view(event: EventRow) -> EventView:
    payload = json.dumps(event.payload, indent=2, ensure_ascii=False)
    return EventView(event.seq, event.type, event.level, event.task_key, event.message, payload, event.created_at)


def _budget_view(budget: BudgetRow) -> BudgetView:
    of = "" if budget.allowed is None else f" of {budget.allowed:g}"
    word = {"budget_cents": " cents", "wall_hours": " h"}.get(budget.name, "")
    share = -1.0 if budget.allowed is None else min(100.0, 100 * budget.used / budget.allowed)
    warning = "nearly used" if budget.is_near else ""
    if budget.name == "budget_cents" and budget.unknown:
        warning = f"at least: the cost of {budget.unknown} agents is not known" + (f"; {warning}" if warning else "")
    used = f"{budget.used:.2f}".rstrip("0").rstrip(".")
    return BudgetView(budget.name, _BUDGETS[budget.name], f"{used}{of}{word}", share, warning)


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text  # the service says what is wrong with it


def _value(value: object) -> str:
    match value:
        case None:
            return "no limit"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
