"""The schedules, and the one form that changes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.status import Mode
from cursor_monitor.queries.schedules import FiringRow, ScheduleRow, list_schedules
from cursor_monitor.services import schedules
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.cron import parse_cron
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.template_choice import TemplateChoiceMixin, values_in

_NEW = "new"
_READ_FORM = "JSON.stringify(Object.fromEntries(new FormData(document.querySelector('form.form'))))"
_OWN = ("name", "cron", "time_zone", "missed", "overlap", "max_per_day")
_REQUESTED = ("repository", "ref", "mode", "prompt", "model")
_LIMITS = ("max_agents", "budget_cents")
_BEGINNING = {
    "cron": "0 9 * * mon-fri",
    "time_zone": "UTC",
    "missed": "once",
    "overlap": "skip",
    "max_per_day": "24",
    "mode": Mode.SINGLE_AGENT.value,
}
_EMPTY = {name: _BEGINNING.get(name, "") for name in (*_OWN, *_REQUESTED, *_LIMITS)}


@dataclass(frozen=True, slots=True)
class FiringLine:
    """One firing, in words."""

    at: str
    status: str
    reason: str
    href: str


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """One schedule, in words, and what its form begins with."""

    id: str
    name: str
    when: str
    what: str
    rules: str
    is_enabled: bool
    next_run_at: str
    firings: list[FiringLine]
    begins: dict[str, str]


class SchedulesState(LiveMixin, TemplateChoiceMixin, rx.State):
    """Every schedule; `chosen` is the one whose form is open, or new."""

    rows: list[ScheduleLine] = []
    chosen: str = ""
    begins: dict[str, str] = _EMPTY
    coming: list[str] = []
    errors: dict[str, str] = {}
    notice: str = ""
    done: str = ""
    is_sending: bool = False
    _requests: dict[str, dict[str, Any]] = {}  # what each launches, with what the form does not show

    @rx.event
    async def open_form(self, schedule_id: str):
        """Open the form of a schedule or of a new one; empty closes it."""
        row = next((row for row in self.rows if row.id == schedule_id), None)
        self.chosen = schedule_id if row or schedule_id == _NEW else ""
        self.begins = row.begins if row else _EMPTY
        self.errors, self.notice, self.done = {}, "", ""
        if self.chosen:
            await self._load_templates()
            self._begin_template(self._requests.get(schedule_id, {}))
            self._show_coming(self.begins["cron"], self.begins["time_zone"])

    @rx.event
    def touch(self):
        """When was changed: show the times that it means."""
        return rx.call_script(_READ_FORM, callback=SchedulesState.show_times)

    @rx.event
    def show_times(self, form: str):
        """The next firings, as the form says."""
        try:
            found = json.loads(form[:100_000])
        except (ValueError, TypeError, RecursionError):
            return
        if isinstance(found, dict):
            self._show_coming(str(found.get("cron") or ""), str(found.get("time_zone") or ""))

    @rx.event
    async def submit(self, form: dict[str, Any]):
        """Save what the form says; a refusal is shown at its field and nothing typed is lost."""
        if self.is_sending or not self.chosen:
            return
        self.errors, self.notice, self.done, self.is_sending = {}, "", "", True
        yield
        fields = _fields(form, self._requests.get(self.chosen, {}), self.template)
        try:
            await asyncio.to_thread(_save, self.chosen, fields)
        except Invalid as error:
            self._refuse(error)
        except AppError as error:
            self.notice = error.message
        else:
            self.chosen, self.done = "", "Saved."
        self.is_sending = False
        yield SchedulesState.watch

    @rx.event
    async def act(self, action: str, schedule_id: str):
        """Pause, resume, run now or delete."""
        if self.is_sending or action not in _ACTIONS:
            return
        self.notice, self.done, self.is_sending = "", "", True
        yield
        service, said = _ACTIONS[action]
        try:
            await asyncio.to_thread(service, schedule_id[:60], by=caller_name())
        except AppError as error:
            self.notice = error.message
        else:
            self.done = said
        self.is_sending = False
        yield SchedulesState.watch

    def _refuse(self, error: Invalid) -> None:
        reason = error.message.partition(": ")[2]
        field = error.field.removeprefix("request.").removeprefix("options.")
        if field.startswith("variables."):
            self._show_refusal(Invalid(field, reason))
        self.errors, self.notice = {field: reason}, error.message

    def _begin_template(self, request: Mapping[str, Any]) -> None:
        named = str(request.get("template") or "")
        by_name = {name.lower(): template_id for template_id, name in self.templates}
        self._choose(by_name.get(named.lower(), named))
        given = request.get("variables") or {}
        self.blanks = [blank.beginning(str(given.get(blank.name, blank.default))) for blank in self.blanks]

    def _show_coming(self, cron: str, zone: str) -> None:
        self.errors = {name: text for name, text in self.errors.items() if name not in ("cron", "time_zone")}
        try:
            found = parse_cron(cron, zone or "UTC")
        except Invalid as error:
            self.coming, self.errors = [], {**self.errors, error.field: error.message.partition(": ")[2]}
            return
        here = [moment.astimezone(found.zone) for moment in found.following(datetime.now(UTC), 3)]
        self.coming = [f"{moment:%a %Y-%m-%d %H:%M %Z}" for moment in here]

    def _topic(self) -> str:
        return live.SCHEDULES

    def _query(self) -> Callable[[], Any]:
        return list_schedules

    def _show(self, result: tuple[ScheduleRow, ...]) -> None:
        self._put(rows=[_line(row) for row in result])
        self._requests = {row.id: row.request for row in result}


_ACTIONS: Mapping[str, tuple[Callable[..., None], str]] = {
    "pause": (schedules.pause, "Paused; it fires no more until it is resumed."),
    "resume": (schedules.resume, "It fires again."),
    "run-now": (schedules.run_now, "Launched; see its newest firing."),
    "delete": (schedules.delete, "Deleted; what it launched stays."),
}


def _save(schedule_id: str, fields: dict[str, Any]) -> None:
    if schedule_id == _NEW:
        schedules.create(fields, by=caller_name())
    else:
        schedules.replace(schedule_id, fields, by=caller_name())


def _fields(form: Mapping[str, Any], kept: Mapping[str, Any], template: str) -> dict[str, Any]:
    text = {name: str(form.get(name) or "").strip() for name in _EMPTY}
    hidden = {name: value for name, value in kept.items() if name not in (*_REQUESTED, "template", "variables")}
    request = {**hidden, **{name: text[name] for name in _REQUESTED if text[name]}}
    if template:
        request.pop("prompt", None)
        request |= {"template": template, "variables": values_in(dict(form))}
    limits = {name: _number(text[name]) for name in _LIMITS if text[name]}
    others = {name: value for name, value in (kept.get("options") or {}).items() if name not in _LIMITS}
    request["options"] = {**others, **limits}
    own = {name: text[name] for name in _OWN if text[name]}
    return {**own, "max_per_day": _number(text["max_per_day"]), "request": request}


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text  # the service says what is wrong with it


_MISSED = {"skip": "missed ones are over", "once": "missed ones make one launch", "all": "missed ones are made up for"}


def _line(row: ScheduleRow) -> ScheduleLine:
    request = row.request
    said = (
        request.get("prompt")
        or f"from a template, for {', '.join(map(str, (request.get('variables') or {}).values()))}"
    )
    overlap = "while one goes on none begins" if row.overlap == "skip" else "also while one goes on"
    return ScheduleLine(
        id=row.id,
        name=row.name,
        when=f"{row.cron} ({row.time_zone})",
        what=f"{request.get('repository', '')}: {str(said)[:300]}",
        rules=f"{overlap}; {_MISSED[row.missed]}; {row.max_per_day} a day at most",
        is_enabled=row.is_enabled,
        next_run_at=row.next_run_at.isoformat() if row.next_run_at else "",
        firings=[_firing(firing) for firing in row.firings],
        begins=_begins(row),
    )


def _firing(firing: FiringRow) -> FiringLine:
    href = routes.orchestration(firing.orchestration_id) if firing.orchestration_id else ""
    return FiringLine(firing.fire_at.isoformat(), firing.status, firing.reason or "", href)


def _begins(row: ScheduleRow) -> dict[str, str]:
    own = {name: str(getattr(row, name)) for name in _OWN}
    requested = {name: str(row.request.get(name) or "") for name in _REQUESTED}
    options = row.request.get("options") or {}
    return {**own, **requested, **{name: str(options.get(name) or "") for name in _LIMITS}}
