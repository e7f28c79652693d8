"""The form of a single agent; what is typed stays in the browser until it is sent."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.domain.errors import AppError, Invalid, Unavailable
from cursor_monitor.domain.launch import MODES, REPOSITORIES_LIMIT
from cursor_monitor.services import agents
from cursor_monitor.services.caller import caller_name
from cursor_monitor.state.drafts import key_of, words_of
from cursor_monitor.state.offer import OfferMixin
from cursor_monitor.state.pictures import pictures_of

_FLAGS = ("auto_create_pr", "skip_reviewer_request", "work_on_current_branch")
_PLACE = ("repository", "ref", "pr_url")


@dataclass(frozen=True, slots=True)
class RepositoryDraft:
    """A further repository; its texts live in inputs named after `id`."""

    id: int
    error: str = ""


class NewAgentState(OfferMixin, rx.State):
    """How it works, where, and refusals; everything else is in the form's own inputs."""

    mode: str = MODES[0]
    from_pull: bool = False
    more: list[RepositoryDraft] = []
    errors: dict[str, str] = {}
    is_sending: bool = False
    opened: int = 0  # how often: a draft is filled in again each time
    _key: str = ""
    _last_id: int = 0

    @rx.event
    async def open(self):
        """A fresh form, and the choices that are known."""
        self._key, self.opened = str(uuid.uuid4()), self.opened + 1
        self.errors, self.message, self.is_sending = {}, "", False
        self.mode, self.from_pull, self.more = MODES[0], False, []
        self.account, self.branches, self.model = "", [], ""
        try:
            await self._load_offer()
            await self._load_accounts()
        except Unavailable as error:
            self.message = error.message

    @rx.event
    def choose_mode(self, value: str):
        """Work at once, or plan first."""
        if value in MODES:
            self.mode = value

    @rx.event
    def start_from(self, value: str):
        """Begin from a branch, or from a pull request."""
        self.from_pull = value == "pull"

    @rx.event
    def add_repository(self):
        """One more repository."""
        if len(self.more) < REPOSITORIES_LIMIT - 1:
            self._last_id += 1
            self.more = [*self.more, RepositoryDraft(self._last_id)]

    @rx.event
    def remove_repository(self, draft_id: int):
        """One repository less."""
        self.more = [draft for draft in self.more if draft.id != draft_id]

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
            key = key_of(form, self._key)
            launched = await asyncio.to_thread(agents.launch, fields, by=caller_name(), idempotency_key=key)
        except Invalid as error:
            self._refuse(error)
        except AppError as error:
            self.message = words_of(error)
        else:
            yield rx.redirect(routes.agent(launched))
        self.is_sending = False

    def _fields(self, form: Mapping[str, Any]) -> dict[str, Any]:
        text = {name: str(value).strip() for name, value in form.items() if value is not None}
        fields: dict[str, Any] = {"prompt": text.get("prompt", ""), "mode": self.mode, **self._model_fields(form)}
        fields |= {name: text[name] for name in ("name", "account") if text.get(name)}
        first = {name: text[name] for name in _PLACE if text.get(name)}
        others = [self._other(draft, text) for draft in self.more]
        fields |= {"repositories": [first, *others]} if others else first
        fields |= {name: True for name in _FLAGS if form.get(name) in (True, "on", "true")}
        shown = pictures_of(form, "images")
        return {**fields, "images": shown} if shown else fields

    def _other(self, draft: RepositoryDraft, text: Mapping[str, str]) -> dict[str, str]:
        given = {name: text.get(f"repository-{draft.id}-{name}", "") for name in ("repository", "ref")}
        return {name: value for name, value in given.items() if value}

    def _refuse(self, error: Invalid) -> None:
        reason, place = error.message.partition(": ")[2], re.match(r"repositories\[(\d+)\]\.?(\w*)", error.field)
        number = int(place[1]) if place else 0
        if place and number:
            self.more = [RepositoryDraft(d.id, reason if n == number else "") for n, d in enumerate(self.more, 1)]
        else:
            field = place[2] if place else re.split(r"[\[.]", error.field)[0]
            self.errors = {field or "repository": reason}
        self.message = error.message
