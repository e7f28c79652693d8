"""People, sessions, tokens and one's own password, with the one form that is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.access import Actor, Role
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.queries.access import SessionRow, TokenRow, UserRow, list_sessions, list_tokens, list_users
from cursor_monitor.services import tokens, users
from cursor_monitor.services.caller import current_caller
from cursor_monitor.services.tuning import current
from cursor_monitor.state.live import LiveMixin

FORMS = ("user", "reset", "token", "password")
_ID_MOST = 60
_TYPED_MOST = 1000  # of a field; what is too long is said by the service


@dataclass(frozen=True, slots=True)
class AccessView:
    """What one person may see of who may come in."""

    people: tuple[UserRow, ...]
    sessions: tuple[SessionRow, ...]
    tokens: tuple[TokenRow, ...]


class AccessState(LiveMixin, rx.State):
    """Who may come in, as far as the one who looks may know it."""

    people: list[UserRow] = []
    sessions: list[SessionRow] = []
    tokens: list[TokenRow] = []
    has_password: bool = False
    has_supabase: bool = False  # so that somebody may be added without a password
    form: str = ""
    chosen: str = ""  # the person whose password is given anew
    chosen_name: str = ""
    errors: dict[str, str] = {}
    notice: str = ""
    done: str = ""
    new_token: str = ""  # shown once
    is_sending: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """What is kept of a tab between events: the browser has the token by then, and nobody else needs it."""
        return {**super().__getstate__(), "new_token": ""}

    @rx.event
    def open_form(self, form: str, person: str):
        """Open one of the forms, and close the others; the same once more closes it."""
        is_same = (self.form, self.chosen) == (form, person)
        self._close()
        self.done, self.new_token = "", ""
        row = next((row for row in self.people if row.id == person), None)
        if form in FORMS and not is_same:
            self.form, self.chosen, self.chosen_name = form, person[:_ID_MOST], row.email if row else ""

    @rx.event
    async def make_token(self, form: dict[str, Any]):
        """Make a token, which is shown this once."""
        made: list[str] = []

        def make() -> str:
            days = _number(_text(form, "days")) if _text(form, "days") else tokens.DEFAULT_DAYS
            made.append(tokens.create_token(_text(form, "name"), _text(form, "role"), days).token)
            return "The token is made. Copy it now: it is shown this once."

        async for _ in self._send(make):
            yield
        self.new_token = made[0] if made else ""
        yield AccessState.watch

    @rx.event
    def forget_token(self):
        """Show the token no more."""
        self.new_token, self.done = "", ""

    @rx.event
    async def change_password(self, form: dict[str, Any]):
        """Change one's own password."""
        async for _ in self._send(partial(_change_password, form)):
            yield
        yield AccessState.watch

    @rx.event
    async def add_user(self, form: dict[str, Any]):
        """Add a person."""
        async for _ in self._send(partial(_add_user, form)):
            yield
        yield AccessState.watch

    @rx.event
    async def reset_password(self, form: dict[str, Any]):
        """Give the chosen person a new password."""
        async for _ in self._send(partial(_reset_password, self.chosen, self.chosen_name, form)):
            yield
        yield AccessState.watch

    @rx.event
    async def set_role(self, person: str, role: str):
        """Give another role."""
        await self._do(lambda: users.change_user(person[:_ID_MOST], role=role), f"The role is now {role}.")
        return AccessState.watch

    @rx.event
    async def set_disabled(self, person: str, is_disabled: bool):
        """Shut out, or let in again."""
        said = "Shut out, and signed out everywhere." if is_disabled else "May sign in again."
        await self._do(lambda: users.change_user(person[:_ID_MOST], is_disabled=bool(is_disabled)), said)
        return AccessState.watch

    @rx.event
    async def end_session(self, session_id: str):
        """Sign a browser out."""
        await self._do(lambda: users.end_session(session_id[:_ID_MOST]), "That browser is signed out.")
        return AccessState.watch

    @rx.event
    async def revoke_token(self, token_id: str):
        """End a token at once."""
        await self._do(lambda: tokens.revoke_token(token_id[:_ID_MOST]), "The token opens nothing any more.")
        return AccessState.watch

    async def _send(self, submit: Callable[[], str]):
        """Do what the open form says; a refusal is shown at its field. What it holds is kept nowhere here."""
        if self.is_sending:
            return
        self.errors, self.notice, self.done, self.is_sending = {}, "", "", True
        yield
        try:
            self.done = await asyncio.to_thread(submit)
        except Invalid as error:
            self.errors, self.notice = {error.field: error.message.partition(": ")[2]}, error.message
        except AppError as error:
            self.notice = error.message
        else:
            self._close()
        self.is_sending = False

    async def _do(self, act: Callable[[], None], said: str) -> None:
        self.notice, self.done = "", ""
        try:
            await asyncio.to_thread(act)
        except AppError as error:
            self.notice = error.message
        else:
            self.done = said

    def _close(self) -> None:
        self.form, self.chosen, self.chosen_name, self.errors, self.notice = "", "", "", {}, ""

    def _topic(self) -> str:
        return live.ACCESS

    def _query(self) -> Callable[[], Any]:
        actor = current_caller()
        self.has_password = actor.user_id is not None
        self.has_supabase = current().has_supabase
        return partial(_read, actor)

    def _show(self, result: AccessView) -> None:
        self._put(people=list(result.people), sessions=list(result.sessions), tokens=list(result.tokens))


def _read(actor: Actor) -> AccessView:
    people = list_users() if actor.role is Role.ADMIN else ()
    return AccessView(people, list_sessions(actor), list_tokens(actor))


def _add_user(form: dict[str, Any]) -> str:
    email = _text(form, "email")
    users.add_user(email, _text(form, "name"), _text(form, "role"), _secret(form, "password"))
    return f"{email} may sign in."


def _reset_password(person: str, name: str, form: dict[str, Any]) -> str:
    users.reset_password(person, _secret(form, "password"))
    return f"{name} has the new password, and is signed out everywhere."


def _change_password(form: dict[str, Any]) -> str:
    users.change_password(_secret(form, "old_password"), _secret(form, "new_password"))
    return "The password is changed; sign in with it."


def _text(form: dict[str, Any], name: str) -> str:
    return _secret(form, name).strip()


def _secret(form: dict[str, Any], name: str) -> str:
    return str(form.get(name) or "")[:_TYPED_MOST]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0  # the service says from where to where it may go
