"""The accounts at Cursor as the settings show them, and what a person does to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.queries.accounts import AccountRow, list_accounts
from cursor_monitor.services import account_limits, accounts
from cursor_monitor.services.caller import caller_name
from cursor_monitor.state.live import LiveMixin

_ACTIONS: Mapping[str, tuple[Callable[..., None], str]] = {
    "pause": (accounts.pause, "is paused: it starts nothing new, what runs is watched to its end."),
    "resume": (accounts.resume, "is used again."),
    "check": (accounts.check, "is being checked with Cursor."),
    "default": (accounts.choose_default, "is used where no account is named."),
    "delete": (accounts.delete, "is deleted, its key forgotten."),
}
_FORMS = ("new", "edit", "key")
_INPUTS = ("name", "requests_per_minute", *account_limits.LIMITS)
_EMPTY = dict.fromkeys(_INPUTS, "")


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account, in words."""

    id: str
    name: str
    status: str
    is_default: bool
    owner: str
    key: str
    pace: str
    blocked_until: str
    today: str
    checked_at: str
    message: str
    controls: list[str]
    limits: dict[str, str]  # what the form of its limits begins with


class AccountsState(LiveMixin, rx.State):
    """Every account, and the one form that is open."""

    rows: list[AccountLine] = []
    form: str = ""  # new, edit or key
    chosen: str = ""  # the account whose form is open
    begins: dict[str, str] = _EMPTY  # what its inputs begin with
    errors: dict[str, str] = {}
    notice: str = ""
    done: str = ""
    is_sending: bool = False

    @rx.event
    def open_form(self, form: str, account_id: str):
        """Open one of the forms, and close the others; the same once more closes it."""
        is_same = (self.form, self.chosen) == (form, account_id)
        self._close()
        self.done = ""
        if form in _FORMS and not is_same:
            self.form, self.chosen = form, account_id[:60]
            row = next((row for row in self.rows if row.id == account_id), None)
            self.begins = {**row.limits, "name": row.name} if row else _EMPTY

    @rx.event
    async def submit(self, form: dict[str, Any]):
        """Do what the open form says; a refusal is shown at its field. A key goes through and is kept nowhere here."""
        if self.is_sending:
            return
        self.errors, self.notice, self.done, self.is_sending = {}, "", "", True
        yield
        try:
            self.done = await asyncio.to_thread(_submit, self.form, self.chosen, form)
        except Invalid as error:
            self.errors, self.notice = {error.field: error.message.partition(": ")[2]}, error.message
        except AppError as error:
            self.notice = error.message
        else:
            self._close()
        self.is_sending = False
        yield AccountsState.watch

    @rx.event
    async def act(self, action: str, account_id: str):
        """Pause, resume, check, make the default or delete."""
        self.notice, self.done = "", ""
        if action in _ACTIONS:
            service, said = _ACTIONS[action]
            name = next((row.name for row in self.rows if row.id == account_id), "")
            try:
                await asyncio.to_thread(service, account_id[:60], by=caller_name())
            except AppError as error:
                self.notice = error.message
            else:
                self.done = f"{name} {said}"
        return AccountsState.watch

    def _close(self) -> None:
        self.form, self.chosen, self.errors, self.notice = "", "", {}, ""

    def _topic(self) -> str:
        return live.ACCOUNTS

    def _query(self) -> Callable[[], Any]:
        return list_accounts

    def _show(self, result: tuple[AccountRow, ...]) -> None:
        self.rows = [_line(row) for row in result]


def _submit(form: str, account_id: str, given: Mapping[str, Any]) -> str:
    text = {name: str(value or "").strip() for name, value in given.items()}
    rate = _number(text.get("requests_per_minute", ""))
    if form == "new":
        fields = {"name": text.get("name", ""), "key": text.get("key", "")}
        accounts.create({**fields, **({"requests_per_minute": rate} if rate else {})}, by=caller_name())
        return f"{fields['name']} is added; Cursor accepts its key."
    if form == "key":
        accounts.replace_key(account_id, text.get("key", ""), by=caller_name())
        return "Cursor accepts the new key; what waited for it goes on."
    accounts.rename(account_id, text.get("name", ""), by=caller_name())
    accounts.limit_rate(account_id, rate or None, by=caller_name())
    limits = {name: _number(text.get(name, "")) or None for name in account_limits.LIMITS}
    account_limits.set_limits(account_id, limits, by=caller_name())
    return f"{text.get('name', '')} is saved."


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text  # the service says what is wrong with it


def _line(row: AccountRow) -> AccountLine:
    return AccountLine(
        id=row.id,
        name=row.name,
        status=row.status,
        is_default=row.is_default,
        owner=row.owner_email or row.owner_name or row.key_name or "not told yet",
        key=_key(row),
        pace=_pace(row),
        blocked_until=row.blocked_until.isoformat() if row.blocked_until else "",
        today=_today(row),
        checked_at=row.checked_at.isoformat() if row.checked_at else "",
        message=row.message or "",
        controls=list(row.controls),
        limits={name: str(getattr(row, name) or "") for name in _INPUTS if name != "name"},
    )


def _key(row: AccountRow) -> str:
    if row.source == "environment":
        return "CURSOR_API_KEY of the environment"
    return f"ends with {row.key_last4}" if row.key_last4 else "not kept"


def _pace(row: AccountRow) -> str:
    if row.requests_budget is None:
        return "nothing was asked yet"
    slower = f", slowed to {row.pace_percent} %" if row.pace_percent is not None and row.pace_percent < 100 else ""
    return f"{row.requests_left} of {row.requests_budget} requests left at once{slower}"


def _today(row: AccountRow) -> str:
    parts = (
        (f"{row.agents_today}", row.max_agents_per_day, "agents"),
        (f"{row.followups_today}", row.max_followups_per_day, "follow-ups"),
        (f"{row.cents_today:g}", row.max_cents_per_day, "cents"),
    )
    return ", ".join(f"{used}{f' of {most:,}' if most else ''} {word}" for used, most, word in parts)
