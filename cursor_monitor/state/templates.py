"""The prompt templates, and the one form that changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.templates import Variable, names_in
from cursor_monitor.engine.plan import PROMPT_LIMIT
from cursor_monitor.queries.templates import TemplateRow, list_templates
from cursor_monitor.services import templates
from cursor_monitor.services.caller import caller_name
from cursor_monitor.state.live import LiveMixin

_NEW = "new"
_EMPTY = {"name": "", "description": "", "prompt": ""}


@dataclass(frozen=True, slots=True)
class BlankDraft:
    """One variable in the form, and what its inputs begin with."""

    name: str
    label: str = ""
    default: str = ""
    choices: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One template, in words, and what its form begins with."""

    id: str
    name: str
    description: str
    prompt: str
    blanks: list[str]
    changed_by: str
    updated_at: str
    begins: dict[str, str]
    drafts: list[BlankDraft]


class TemplatesState(LiveMixin, rx.State):
    """Every template; `chosen` is the one whose form is open, or new."""

    rows: list[TemplateLine] = []
    chosen: str = ""
    begins: dict[str, str] = _EMPTY
    blanks: list[BlankDraft] = []
    errors: dict[str, str] = {}
    notice: str = ""
    done: str = ""
    is_sending: bool = False
    _drafts: dict[str, BlankDraft] = {}

    @rx.event
    def open_form(self, template_id: str):
        """Open the form of a template or of a new one; empty closes it."""
        row = next((row for row in self.rows if row.id == template_id), None)
        self.chosen = template_id if row or template_id == _NEW else ""
        self.begins = row.begins if row else _EMPTY
        self.blanks = row.drafts if row else []
        self._drafts = {draft.name: draft for draft in self.blanks}
        self.errors, self.notice, self.done = {}, "", ""

    @rx.event
    def look(self, prompt: str):
        """Show the variables that the prompt has by now."""
        self.errors = {}
        try:
            names = names_in(prompt[:PROMPT_LIMIT])
        except Invalid as error:
            self.errors = {"prompt": error.message.partition(": ")[2]}
        else:
            self.blanks = [self._drafts.get(name, BlankDraft(name)) for name in names]

    @rx.event
    async def submit(self, form: dict[str, Any]):
        """Save what the form says; a refusal is shown at its field and nothing typed is lost."""
        if self.is_sending or not self.chosen:
            return
        self.errors, self.notice, self.done, self.is_sending = {}, "", "", True
        yield
        try:
            await asyncio.to_thread(_save, self.chosen, form)
        except Invalid as error:
            self.errors, self.notice = {error.field: error.message.partition(": ")[2]}, error.message
        except AppError as error:
            self.notice = error.message
        else:
            self.chosen, self.done = "", "Saved; it can be chosen where an orchestration is asked for."
        self.is_sending = False
        yield TemplatesState.watch

    @rx.event
    async def delete(self, template_id: str):
        """Forget a template."""
        self.notice, self.done = "", ""
        try:
            await asyncio.to_thread(templates.delete, template_id[:60], by=caller_name())
        except AppError as error:
            self.notice = error.message
        else:
            self.done = "Deleted; what was launched from it stays as it was."
        return TemplatesState.watch

    def _topic(self) -> str:
        return live.TEMPLATES

    def _query(self) -> Callable[[], Any]:
        return list_templates

    def _show(self, result: tuple[TemplateRow, ...]) -> None:
        self._put(rows=[_line(row) for row in result])


def _save(template_id: str, form: Mapping[str, Any]) -> None:
    fields = {name: str(form.get(name) or "") for name in _EMPTY}
    variables = [_described(name, form) for name in names_in(fields["prompt"])]
    if template_id == _NEW:
        templates.create({**fields, "variables": variables}, by=caller_name())
    else:
        templates.replace(template_id, {**fields, "variables": variables}, by=caller_name())


def _described(name: str, form: Mapping[str, Any]) -> dict[str, Any]:
    text = {part: str(form.get(f"{name}-{part}") or "").strip() for part in ("label", "default", "choices")}
    return {
        "name": name,
        "label": text["label"],
        "default": text["default"],
        "choices": [one.strip() for one in text["choices"].split(",") if one.strip()],
        "is_long": form.get(f"{name}-long") in (True, "on", "true"),
    }


def _line(row: TemplateRow) -> TemplateLine:
    return TemplateLine(
        id=row.id,
        name=row.name,
        description=row.description,
        prompt=row.prompt[:600] + ("…" if len(row.prompt) > 600 else ""),
        blanks=[variable.shown for variable in row.variables],
        changed_by=row.changed_by,
        updated_at=row.updated_at.isoformat(),
        begins={"name": row.name, "description": row.description, "prompt": row.prompt},
        drafts=[_draft(variable) for variable in row.variables],
    )


def _draft(variable: Variable) -> BlankDraft:
    choices = ", ".join(variable.choices)
    return BlankDraft(variable.name, variable.label, variable.default, choices, variable.is_long)
