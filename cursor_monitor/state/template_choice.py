"""The choice of a prompt template in a form: its variables to fill in, and the prompt they make."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.templates import Variable
from cursor_monitor.queries.templates import TemplateRow, list_templates
from cursor_monitor.services import templates
from cursor_monitor.state.live import query_parameter

FIELD = "blank-"
_FORM_LIMIT = 8_000_000


@dataclass(frozen=True, slots=True)
class Blank:
    """One variable, as the form shows it."""

    name: str
    label: str
    default: str
    choices: list[str]
    is_long: bool
    error: str = ""

    def beginning(self, text: str) -> Blank:
        """The same, with another text in it at first."""
        return replace(self, default=text)


class TemplateChoiceMixin(rx.State, mixin=True):
    """The templates there are, and the blanks of the one that is chosen."""

    templates: list[tuple[str, str]] = []
    template: str = ""
    template_note: str = ""
    blanks: list[Blank] = []
    _variables: dict[str, list[Blank]] = {}
    _notes: dict[str, str] = {}

    @rx.event
    def choose_template(self, template_id: str):
        """Show the blanks of a template; none for nothing."""
        self._choose(template_id)

    async def _load_templates(self) -> None:
        rows = await asyncio.to_thread(list_templates)
        self.templates = [(row.id, row.name) for row in rows]
        self._variables = {row.id: [_blank(variable) for variable in row.variables] for row in rows}
        self._notes = {row.id: _note(row) for row in rows}
        self._choose(query_parameter(self, "template"))

    def _choose(self, template_id: str) -> None:
        known = template_id in self._variables
        self.template = template_id if known else ""
        self.blanks = self._variables[template_id] if known else []
        self.template_note = self._notes.get(self.template, "")

    async def _filled(self, form: str) -> str | None:
        """The prompt that the blanks in the form make; None where one is refused, which is then said at it."""
        if not self.template:
            return None
        given = values_in(read_form(form))
        try:
            made = await asyncio.to_thread(templates.render, self.template, given)
        except AppError as error:
            self._show_refusal(error)
            return None
        self.blanks = [_without_error(blank) for blank in self.blanks]
        return made

    def _show_refusal(self, error: AppError) -> None:
        name = error.field.removeprefix("variables.") if isinstance(error, Invalid) else ""
        reason = error.message.partition(": ")[2] if name else ""
        self.blanks = [_with_error(blank, reason if blank.name == name else "") for blank in self.blanks]
        self.template_note = "" if name else error.message


def values_in(form: dict[str, Any]) -> dict[str, str]:
    """What was filled in, by variable."""
    return {name.removeprefix(FIELD): str(value or "") for name, value in form.items() if name.startswith(FIELD)}


def read_form(text: str) -> dict[str, Any]:
    """What the browser says is in the form; nothing where that is no form."""
    try:
        form = json.loads(text[:_FORM_LIMIT]) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return form if isinstance(form, dict) else {}


def _blank(variable: Variable) -> Blank:
    return Blank(variable.name, variable.shown, variable.default, list(variable.choices), variable.is_long)


def _with_error(blank: Blank, error: str) -> Blank:
    return Blank(blank.name, blank.label, blank.default, blank.choices, blank.is_long, error)


def _without_error(blank: Blank) -> Blank:
    return _with_error(blank, "")


def _note(row: TemplateRow) -> str:
    return row.description or ("" if row.variables else "It asks for nothing.")
