"""Who may come in: people, browsers that are signed in, API tokens, one's own password."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.access_forms import ROLES, opens, password_form, reset_form, token_form, user_form
from cursor_monitor.components.allowed import for_admins
from cursor_monitor.components.feedback import confirm, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.table import table
from cursor_monitor.components.time import age, due
from cursor_monitor.queries.access import SessionRow, TokenRow, UserRow
from cursor_monitor.state.access import AccessState as State
from cursor_monitor.state.shell import ShellState

_PEOPLE = (
    ("Person", ""),
    ("Role", ""),
    ("Signs in with", "hide-phone"),
    ("Last signed in", "hide-phone"),
    ("Actions", "end"),
)
_SESSIONS = (
    ("Person", ""),
    ("Browser", "hide-phone"),
    ("Address", "hide-phone"),
    ("Last seen", ""),
    ("Actions", "end"),
)
_TOKENS = (
    ("Token", ""),
    ("Role", ""),
    ("Made", "hide-phone"),
    ("Last used", "hide-phone"),
    ("Ends", ""),
    ("Actions", "end"),
)
_CRUMBS = (("Settings", routes.SETTINGS), ("Access", routes.ACCESS))


@page(
    routes.ACCESS,
    title="Access",
    active=routes.ACCESS,
    crumbs=_CRUMBS,
    on_load=[State.forget_token, State.watch],
)
def access() -> rx.Component:
    """One's own things, and for an administrator everybody's."""
    return rx.fragment(
        header("Access", _who(), actions=[for_admins(_to_audit())]),
        rx.el.div(rx.cond(State.done != "", rx.el.p(State.done, class_name="hint")), role="status"),
        problem(State.page_error),
        problem(State.notice),
        loaded(
            State.is_loaded, False, rx.fragment(), rx.fragment(for_admins(_people()), _all_tokens(), _all_sessions())
        ),
    )


def _who() -> rx.Component:
    return rx.cond(
        ShellState.is_open,
        rx.el.span("Nobody signs in here, as only this machine can reach this server; you may do everything."),
        rx.el.span("You are ", ShellState.user_name, ", ", ShellState.role, "."),
    )


def _to_audit() -> rx.Component:
    return rx.link("Audit log", href=routes.AUDIT, underline="none", class_name="button")


def _section(title: str, hint: str, actions: list[rx.Component], *content: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2(title), rx.el.div(*actions, class_name="actions"), class_name="task-top"),
        rx.el.p(hint, class_name="hint"),
        *content,
        class_name="section",
        aria_label=title,
    )


def _people() -> rx.Component:
    return _section(
        "People",
        "Each signs in with an e-mail address and a password. Somebody must stay an administrator.",
        [opens("user-plus", "Add a person", "user")],
        rx.cond(State.form == "user", user_form()),
        rx.cond(State.form == "reset", reset_form()),
        rx.cond(
            State.people.length() == 0,
            rx.el.p("Nobody yet: this server has only been used without signing in.", class_name="hint"),
            table("People", _PEOPLE, rx.foreach(State.people, _person)),
        ),
    )


def _person(row: rx.Var[UserRow]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(row.name, class_name="cut"),
            rx.el.div(row.email, class_name="cut faint"),
            rx.cond(row.is_disabled, rx.el.span("shut out", class_name="chip")),
        ),
        rx.el.td(
            rx.el.select(
                *[rx.el.option(value, value=value) for value, _ in ROLES],
                value=row.role,
                on_change=lambda role: State.set_role(row.id, role),
                aria_label="Role of " + row.email,
            )
        ),
        rx.el.td(rx.cond(row.provider == "local", "a password", row.provider), class_name="hide-phone"),
        rx.el.td(_moment(row.signed_in_at, "never"), class_name="hide-phone"),
        rx.el.td(rx.el.div(*_person_actions(row), class_name="actions end-of-row")),
        key=row.id,
    )


def _person_actions(row: rx.Var[UserRow]) -> list[rx.Component]:
    let_in = rx.el.button(
        "Let in",
        type="button",
        class_name="button small",
        aria_label="Let in " + row.email,
        on_click=State.set_disabled(row.id, False),
    )
    shut_out = confirm(
        _small("Shut out", "Shut out " + row.email),
        "Shut this person out?",
        "They are signed out everywhere at once, and their API tokens open nothing. You can let them in again.",
        "Shut out",
        State.set_disabled(row.id, True),
    )
    reset = opens("key-round", "New password", "reset", row.id, "New password for " + row.email)
    return [rx.cond(row.provider == "local", reset), rx.cond(row.is_disabled, let_in, shut_out)]


def _all_tokens() -> rx.Component:
    return _section(
        "API tokens",
        "For programs: sent as Authorization: Bearer. A token does at most what its owner may do, and ends with them.",
        [opens("plus", "New token", "token")],
        rx.cond(State.form == "token", token_form()),
        rx.cond(State.new_token != "", _shown_once()),
        rx.cond(
            State.tokens.length() == 0,
            rx.el.p("No token yet.", class_name="hint"),
            table("API tokens", _TOKENS, rx.foreach(State.tokens, _token)),
        ),
    )


def _shown_once() -> rx.Component:
    return rx.el.div(
        rx.el.label("Your new token, shown this once", html_for="new-token"),
        rx.el.input(id="new-token", value=State.new_token, read_only=True, class_name="mono", spell_check=False),
        rx.el.div(
            rx.el.button(
                "Copy", type="button", class_name="button copy-wide", custom_attrs={"data-copy": State.new_token}
            ),
            rx.el.button("I have kept it", type="button", class_name="button", on_click=State.forget_token),
            class_name="actions",
        ),
        class_name="card field",
    )


def _token(row: rx.Var[TokenRow]) -> rx.Component:
    revoke = confirm(
        _small("Revoke", "Revoke " + row.name),
        "Revoke this token?",
        "Programs that use it are refused from now on. It cannot be brought back.",
        "Revoke it",
        State.revoke_token(row.id),
    )
    return rx.el.tr(
        rx.el.td(rx.el.div(row.name, class_name="cut"), rx.el.div(row.prefix, "…", class_name="mono faint")),
        rx.el.td(row.role),
        rx.el.td(age(row.created_at), " by ", row.created_by, class_name="hide-phone"),
        rx.el.td(_moment(row.used_at, "never"), class_name="hide-phone"),
        rx.el.td(rx.cond(row.revoked_at, rx.el.span("revoked", class_name="chip"), due(row.expires_at))),
        rx.el.td(rx.cond(row.revoked_at, rx.fragment(), revoke), class_name="end"),
        key=row.id,
    )


def _all_sessions() -> rx.Component:
    own = rx.cond(State.has_password, opens("key-round", "Change my password", "password"))
    return _section(
        "Signed-in browsers",
        "A session ends by itself after a while without use.",
        [own],
        rx.cond(State.form == "password", password_form()),
        rx.cond(
            State.sessions.length() == 0,
            rx.el.p("Nobody is signed in.", class_name="hint"),
            table("Signed-in browsers", _SESSIONS, rx.foreach(State.sessions, _session)),
        ),
    )


def _session(row: rx.Var[SessionRow]) -> rx.Component:
    end = confirm(
        _small("Sign out", "Sign out " + row.email),
        "Sign this browser out?",
        "Whoever uses it has to sign in again.",
        "Sign it out",
        State.end_session(row.id),
    )
    return rx.el.tr(
        rx.el.td(row.email, rx.cond(row.is_this, rx.el.span("this one", class_name="chip"))),
        rx.el.td(_words(row.user_agent), class_name="hide-phone"),
        rx.el.td(_words(row.ip), class_name="hide-phone"),
        rx.el.td(age(row.seen_at)),
        rx.el.td(end, class_name="end"),
        key=row.id,
    )


def _small(word: str, label: Any) -> rx.Component:
    return rx.el.button(word, type="button", class_name="button small", aria_label=label)


def _moment(moment: Any, unless: str) -> rx.Component:
    return rx.cond(moment, age(moment), unless)


def _words(value: Any) -> rx.Component:
    return rx.cond(value, rx.el.span(value.to(str), class_name="cut", title=value.to(str)), "not told")
