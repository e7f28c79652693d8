"""The repository profiles, and the one form that changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.queries.profiles import ProfileRow, list_profiles
from cursor_monitor.services import profiles
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.profiles import LISTS
from cursor_monitor.state.live import LiveMixin

NUMBERS = ("max_parallel_agents", "max_iterations", "max_agents", "quality_threshold", "budget_cents")
SWITCHES = ("auto_create_pr", "reviewer", "require_checks", "require_approval")
_OPTION = "option-"  # before the names of default options, some of which are names of rules too
_NEW = "new"
_INPUTS = (
    *("pattern", "max_parallel_agents", "default_model"),
    *LISTS,
    *(_OPTION + name for name in (*NUMBERS, *SWITCHES)),
)
_EMPTY = dict.fromkeys(_INPUTS, "")


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of a profile, in words."""

    word: str
    value: str


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """One profile, in words, and what its form begins with."""

    id: str
    pattern: str
    rules: list[RuleLine]
    changed_by: str
    updated_at: str
    begins: dict[str, str]


class ProfilesState(LiveMixin, rx.State):
    """Every profile; `chosen` is the one whose form is open, or new."""

    rows: list[ProfileLine] = []
    chosen: str = ""
    begins: dict[str, str] = _EMPTY
    errors: dict[str, str] = {}
    notice: str = ""
    done: str = ""
    is_sending: bool = False
    _options: dict[str, dict[str, Any]] = {}  # default options that the form does not show, by profile

    @rx.event
    def open_form(self, profile_id: str):
        """Open the form of a profile or of a new one; empty closes it."""
        row = next((row for row in self.rows if row.id == profile_id), None)
        self.chosen = profile_id if row or profile_id == _NEW else ""
        self.begins = row.begins if row else _EMPTY
        self.errors, self.notice, self.done = {}, "", ""

    @rx.event
    async def submit(self, form: dict[str, Any]):
        """Save what the form says; a refusal is shown at its field and nothing typed is lost."""
        if self.is_sending or not self.chosen:
            return
        self.errors, self.notice, self.done, self.is_sending = {}, "", "", True
        yield
        try:
            await asyncio.to_thread(_save, self.chosen, _fields(form, self._options.get(self.chosen, {})))
        except Invalid as error:
            field = error.field.replace("default_options.", _OPTION)
            self.errors, self.notice = {field: error.message.partition(": ")[2]}, error.message
        except AppError as error:
            self.notice = error.message
        else:
            self.chosen, self.done = "", "Saved; it holds for each agent that is launched from now on."
        self.is_sending = False
        yield ProfilesState.watch

    @rx.event
    async def delete(self, profile_id: str):
        """Forget a profile."""
        self.notice, self.done = "", ""
        try:
            await asyncio.to_thread(profiles.delete, profile_id[:60], by=caller_name())
        except AppError as error:
            self.notice = error.message
        else:
            self.done = "Deleted; what was launched under it keeps the checks and paths it was given."
        return ProfilesState.watch

    def _topic(self) -> str:
        return live.PROFILES

    def _query(self) -> Callable[[], Any]:
        return list_profiles

    def _show(self, result: tuple[ProfileRow, ...]) -> None:
        self.rows = [_line(row) for row in result]
        shown = {*NUMBERS, *SWITCHES}
        self._options = {r.id: {n: v for n, v in r.default_options.items() if n not in shown} for r in result}


def _save(profile_id: str, fields: dict[str, Any]) -> None:
    if profile_id == _NEW:
        profiles.create(fields, by=caller_name())
    else:
        profiles.replace(profile_id, fields, by=caller_name())


def _fields(form: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    text = {name: str(form.get(name) or "").strip() for name in _INPUTS}
    options = dict(kept)
    options |= {name: _number(text[_OPTION + name]) for name in NUMBERS if text[_OPTION + name]}
    options |= {name: text[_OPTION + name] == "yes" for name in SWITCHES if text[_OPTION + name] in ("yes", "no")}
    return {
        "pattern": text["pattern"],
        **{name: text[name].splitlines() for name in LISTS},
        "max_parallel_agents": _number(text["max_parallel_agents"]) if text["max_parallel_agents"] else None,
        "default_model": text["default_model"] or None,
        "default_options": options,
    }


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text  # the service says what is wrong with it


_WORDS = {
    "base_branches": "Starts from",
    "protected_branches": "Never pushes to",
    "protected_paths": "Never changes",
    "required_checks": "Must pass",
}


def _line(row: ProfileRow) -> ProfileLine:
    rules = [RuleLine(word, ", ".join(getattr(row, name))) for name, word in _WORDS.items() if getattr(row, name)]
    if row.max_parallel_agents is not None:
        rules.append(RuleLine("At work at once", f"{row.max_parallel_agents} in each repository"))
    if row.default_model:
        rules.append(RuleLine("Model", f"{row.default_model}, unless another is chosen"))
    if row.default_options:
        given = ", ".join(f"{name} {_said(value)}" for name, value in sorted(row.default_options.items()))
        rules.append(RuleLine("Defaults", given))
    return ProfileLine(row.id, row.pattern, rules, row.changed_by, row.updated_at.isoformat(), _begins(row))


def _begins(row: ProfileRow) -> dict[str, str]:
    options = {_OPTION + name: _said(row.default_options.get(name)) for name in (*NUMBERS, *SWITCHES)}
    lists = {name: "\n".join(getattr(row, name)) for name in LISTS}
    most = str(row.max_parallel_agents or "")
    rest = {"pattern": row.pattern, "max_parallel_agents": most, "default_model": row.default_model or ""}
    return {**rest, **lists, **options}


def _said(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
