"""The form of a new orchestration; what is typed stays in the browser until it is sent."""

from __future__ import annotations

import asyncio
import re
import uuid
from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.domain.errors import AppError, Invalid, Unavailable
from cursor_monitor.domain.orchestration import PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.services import orchestrations
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.dry_run import dry_run
from cursor_monitor.state.drafts import key_of, words_of
from cursor_monitor.state.offer import OfferMixin
from cursor_monitor.state.plan_view import NO_PLAN, Draft, PlanView, drafts_of, plan_view
from cursor_monitor.state.template_choice import TemplateChoiceMixin, read_form

_MOST_TASKS = 50
_OPTIONS_WHOLE = (
    "max_parallel_agents",
    "max_iterations",
    "quality_threshold",
    "max_attempts",
    "best_of",
    "max_nudges",
    "priority",
    "max_agents",
    "max_followups",
    "budget_cents",
)


_SWITCHES = {
    "auto_create_pr": True,
    "reviewer": False,
    "require_checks": False,
    "require_approval": False,
    "choose_by_hand": False,
    "stop_loops": True,
}
_NO_PREVIEW = "Say what is to be done, and the plan is shown here before anything starts."
_READ_FORM = "JSON.stringify(Object.fromEntries(new FormData(document.querySelector('form.form'))))"


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """One task in the form; its texts live in inputs named after `id`."""

    id: int
    number: int
    error: str = ""
    title: str = ""  # what the inputs begin with
    prompt: str = ""
    after: str = ""


class NewOrchestrationState(OfferMixin, TemplateChoiceMixin, rx.State):
    """Mode, number of tasks and refusals; everything else is in the form's own inputs."""

    mode: str = Mode.BATCH.value
    tasks: list[TaskDraft] = []
    errors: dict[str, str] = {}
    is_sending: bool = False
    opened: int = 0  # how often: a draft is filled in again each time
    writes_tasks: bool = True
    plan: PlanView = NO_PLAN
    plan_problem: str = _NO_PREVIEW
    _previewed: dict[str, Any] = {}
    _plan_hash: str = ""
    _planned: list[PlanTask] = []
    _key: str = ""
    _last_id: int = 0

    @rx.event
    async def open(self):
        """A fresh form, and the choices that are known."""
        self._key, self.opened = str(uuid.uuid4()), self.opened + 1
        self.errors, self.message, self.is_sending = {}, "", False
        self.mode, self.writes_tasks = Mode.BATCH.value, True
        self.plan, self.plan_problem, self._previewed = NO_PLAN, _NO_PREVIEW, {}
        self.tasks = []
        self._add(2)
        self.account, self.branches, self.model = "", [], ""
        try:
            await self._load_offer()
            await self._load_accounts()
            await self._load_templates()
        except Unavailable as error:
            self.message = error.message

    @rx.event
    def choose_mode(self, value: str):
        """How the work is split."""
        if value in tuple(Mode):
            self.mode, self.writes_tasks = value, value != Mode.AUTO
        return NewOrchestrationState.touch

    @rx.event
    def write_tasks(self, checked: bool):
        """Write the tasks one by one, or let the prompt say them."""
        self.writes_tasks = bool(checked)
        return NewOrchestrationState.touch

    @rx.event
    def touch(self):
        """Something was typed: look at the whole form, and show the plan that it makes."""
        return rx.call_script(_READ_FORM, callback=NewOrchestrationState.preview)

    @rx.event
    async def preview(self, form: str):
        """Show what a launch with this form would do; nothing is launched or recorded."""
        fields = self._fields(read_form(form))
        self._previewed = {}
        if not fields.get("prompt"):
            self.plan, self.plan_problem = NO_PLAN, _NO_PREVIEW
            return
        try:
            found = await asyncio.to_thread(dry_run, {"repository": "owner/repo", **fields})
        except AppError as error:
            self.plan, self.plan_problem = NO_PLAN, error.message
            return
        self.plan, self.plan_problem = plan_view(found), ""
        self._previewed, self._plan_hash, self._planned = fields, found.plan_hash, list(found.tasks)

    @rx.event
    def fill(self):
        """Make the prompt from the template that is chosen."""
        return rx.call_script(_READ_FORM, callback=NewOrchestrationState.fill_in)

    @rx.event
    async def fill_in(self, form: str):
        """Put the filled template where the prompt is written; what is refused is said at its blank."""
        made = await self._filled(form)
        if made is not None:
            yield rx.set_value("prompt", made)
            yield NewOrchestrationState.touch

    @rx.event
    def edit_plan(self):
        """Make the plan that is shown one's own, task by task."""
        if not self._planned:
            return None
        self.tasks, self.mode, self.writes_tasks = [], Mode.AUTO.value, True
        self._add_drafts(drafts_of(self._planned)[:_MOST_TASKS])
        return NewOrchestrationState.touch

    @rx.event
    def add_task(self):
        """One more task at the end."""
        if len(self.tasks) < _MOST_TASKS:
            self._add(1)
        return NewOrchestrationState.touch

    @rx.event
    def remove_task(self, draft_id: int):
        """One task less, but never none."""
        left = [draft for draft in self.tasks if draft.id != draft_id]
        if left:
            self._renumber(left)
        return NewOrchestrationState.touch

    @rx.event
    def move_up(self, draft_id: int):
        """Swap a task with the one before it."""
        drafts = list(self.tasks)
        index = next((i for i, draft in enumerate(drafts) if draft.id == draft_id), 0)
        if index:
            drafts[index - 1], drafts[index] = drafts[index], drafts[index - 1]
            self._renumber(drafts)
        return NewOrchestrationState.touch

    @rx.event
    async def submit(self, form: dict[str, Any]):
        """Launch what the form says; a refusal is shown at its field and nothing typed is lost."""
        if self.is_sending:
            return
        self.errors, self.message = {}, ""
        self.is_sending = True
        yield
        try:
            fields = self._fields(form)
            if fields == self._previewed:  # what was looked at, so launch that or say what changed meanwhile
                fields = {**fields, "plan_hash": self._plan_hash}
            launched = await asyncio.to_thread(
                orchestrations.launch, fields, by=caller_name(), idempotency_key=key_of(form, self._key)
            )
        except Invalid as error:
            self._refuse(error)
        except AppError as error:
            self.message = words_of(error)
        else:
            yield rx.redirect(routes.orchestration(launched))
        self.is_sending = False

    def _fields(self, form: dict[str, Any]) -> dict[str, Any]:
        text = {name: str(value).strip() for name, value in form.items() if value is not None}
        fields: dict[str, Any] = {"mode": self.mode, "options": _options(form, text)}
        for name in ("prompt", "repository", "ref", "model", "name", "account"):
            if text.get(name):
                fields[name] = text[name]
        if self.mode != Mode.SINGLE_AGENT and self.writes_tasks:
            fields["tasks"] = [self._task(draft, text) for draft in self.tasks]
        return fields

    def _task(self, draft: TaskDraft, text: dict[str, str]) -> dict[str, Any]:
        task: dict[str, Any] = {"key": f"task-{draft.number}", "prompt": text.get(f"task-{draft.id}-prompt", "")}
        title = text.get(f"task-{draft.id}-title")
        if title:
            task["title"] = title
        waits_for = text.get(f"task-{draft.id}-after", "")
        if self.mode == Mode.AUTO and waits_for:
            task["depends_on"] = [_key(part) for part in re.split(r"[,\s]+", waits_for) if part]
        return task

    def _refuse(self, error: Invalid) -> None:
        place = re.match(r"tasks\[(\d+)\]", error.field)
        reason = error.message.partition(": ")[2]
        if place and int(place[1]) < len(self.tasks):
            index = int(place[1])
            self.tasks = [replace(d, error=error.message if i == index else "") for i, d in enumerate(self.tasks)]
        else:
            self.errors = {error.field.removeprefix("options."): reason}
        self.message = error.message

    def _add(self, count: int) -> None:
        self._add_drafts([Draft("", "", "")] * count)

    def _add_drafts(self, new: list[Draft]) -> None:
        drafts = list(self.tasks)
        for draft in new:
            self._last_id += 1
            drafts.append(TaskDraft(self._last_id, 0, title=draft.title, prompt=draft.prompt, after=draft.after))
        self._renumber(drafts)

    def _renumber(self, drafts: list[TaskDraft]) -> None:
        self.tasks = [replace(draft, number=number) for number, draft in enumerate(drafts, 1)]


def _options(form: dict[str, Any], text: dict[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name in _OPTIONS_WHOLE:
        if text.get(name):
            options[name] = _number(text[name], int)
    for name in ("timeout_hours", "wall_hours"):
        if text.get(name):
            options[name] = _number(text[name], float)
    if models := [name for part in text.get("models", "").split(",") if (name := part.strip())]:
        options["models"] = models
    for name, usual in _SWITCHES.items():
        if (form.get(name) in (True, "on", "true")) != usual:  # else as the repository's profile says
            options[name] = not usual
    return options


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    try:
        return kind(text)
    except ValueError:
        return text  # the service says what is wrong with it


def _key(part: str) -> str:
    return f"task-{part}" if part.isdigit() else part
