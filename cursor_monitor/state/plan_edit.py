"""The form in which a person edits a plan that waits for approval."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.services import plans
from cursor_monitor.services.caller import caller_name
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.plan_view import Draft, drafts_of

_MOST_TASKS = 200


@dataclass(frozen=True, slots=True)
class EditDraft:
    """One task of the form; its texts begin as these and live in inputs named after `number`."""

    id: int
    number: int
    key: str
    title: str
    prompt: str
    after: str
    model: str
    ref: str
    best_of: str = ""
    models: str = ""
    error: str = ""


class PlanEditState(ActingMixin, rx.State):
    """The tasks being edited, and what was refused."""

    drafts: list[EditDraft] = []
    is_open: bool = False
    _hash: str = ""
    _last_id: int = 0

    @rx.event
    async def open(self):
        """Begin with the plan as it stands."""
        self.notice = ""
        try:
            found = await asyncio.to_thread(plans.get_plan, self._id())
        except AppError as error:
            self.notice = error.message
            return
        self._hash, self.drafts = found.plan_hash, []
        self._add(drafts_of(found.tasks))
        self.is_open = True

    @rx.event
    def close(self):
        """Leave the plan as it is."""
        self.is_open, self.drafts, self.notice = False, [], ""

    @rx.event
    def add(self):
        """One more task at the end."""
        if len(self.drafts) < _MOST_TASKS:
            self._add([Draft("", "", "")])

    @rx.event
    def remove(self, draft_id: int):
        """One task less, but never none."""
        left = [draft for draft in self.drafts if draft.id != draft_id]
        if left:
            self.drafts = left  # the numbers stay, so that what others wait for still means the same

    @rx.event
    async def save(self, form: dict[str, Any]):
        """Put the edited plan in the place of the one that waits; a refusal is shown at its task."""
        text = {name: str(value).strip() for name, value in form.items() if value is not None}
        keys = {str(draft.number): draft.key for draft in self.drafts}
        fields = {"tasks": [_task(draft, text, keys) for draft in self.drafts], "plan_hash": self._hash}
        self.drafts = [replace(draft, error="") for draft in self.drafts]
        try:
            await asyncio.to_thread(plans.edit_plan, self._id(), fields, by=caller_name())
        except Invalid as error:
            self._refuse(error)
        except AppError as error:
            self.notice = error.message
        else:
            self.is_open, self.drafts, self.notice = False, [], ""

    def _refuse(self, error: Invalid) -> None:
        place = re.match(r"tasks\[(\d+)\]", error.field)
        self.notice = error.message
        if place:
            index = int(place[1])
            self.drafts = [replace(d, error=error.message if i == index else "") for i, d in enumerate(self.drafts)]

    def _add(self, new: list[Draft]) -> None:
        drafts = list(self.drafts)
        for draft in new:
            self._last_id += 1
            number = max((d.number for d in drafts), default=0) + 1
            key = draft.key or _free_key({d.key for d in drafts}, number)
            shown = {name: getattr(draft, name) for name in Draft.__slots__ if name != "key"}
            drafts.append(EditDraft(id=self._last_id, number=number, key=key, **shown))
        self.drafts = drafts


def _free_key(used: set[str], number: int) -> str:
    key = f"task-{number}"
    return key if key not in used else f"task-{number}-new"


def _task(draft: EditDraft, text: dict[str, str], keys: dict[str, str]) -> dict[str, Any]:
    task: dict[str, Any] = {"key": draft.key}
    for name in ("title", "prompt", "model", "ref"):
        task[name] = text.get(f"edit-{draft.number}-{name}", "")
    after = re.split(r"[,\s]+", text.get(f"edit-{draft.number}-after", ""))
    count = text.get(f"edit-{draft.number}-best_of", "")
    tries = {"best_of": int(count) if count.isdecimal() else count} if count else {}
    models = [name.strip() for name in text.get(f"edit-{draft.number}-models", "").split(",") if name.strip()]
    return {**task, **tries, "models": models, "depends_on": [keys.get(part, part) for part in after if part]}
