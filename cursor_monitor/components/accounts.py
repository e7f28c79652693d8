"""The section of the settings about accounts at Cursor."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.allowed import for_admins
from cursor_monitor.components.feedback import confirm, facts, loaded, problem
from cursor_monitor.components.form import field, text_input
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.time import age, due
from cursor_monitor.state.accounts import AccountLine
from cursor_monitor.state.accounts import AccountsState as State

_KEY_HINT = "From cursor.com/dashboard. Cursor is asked first; then it is kept encrypted, and shown to nobody again."
_LIMITS = (  # whether it is there for an account that exists alone, its name, word and hint
    (False, "requests_per_minute", "Requests a minute", "as CURSOR_RATE_PER_MINUTE says if empty"),
    (True, "max_parallel_agents", "Agents at work at once", "no limit of its own if empty"),
    (True, "max_agents_per_day", "Agents a day", "no limit of its own if empty"),
    (True, "max_followups_per_day", "Follow-ups a day", "no limit of its own if empty"),
    (True, "max_cents_per_day", "US cents a day", "no limit of its own if empty"),
)


def accounts_section() -> rx.Component:
    """Every account with what can be done to it."""
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Cursor accounts", id="accounts"),
            rx.el.div(for_admins(_opens("plus", "Add an account", "new", "")), class_name="actions"),
            class_name="task-top",
        ),
        rx.el.p(
            "Each agent belongs to the account whose key launched it. Work of an account that cannot be used waits, "
            "and goes on by itself.",
            class_name="hint",
        ),
        rx.el.div(rx.cond(State.done != "", rx.el.p(State.done, class_name="hint")), role="status"),
        problem(State.page_error),
        problem(State.notice),
        rx.cond(State.form != "", for_admins(_form())),
        loaded(
            State.is_loaded,
            State.rows.length() == 0,
            rx.fragment(),
            rx.el.ul(rx.foreach(State.rows, _account), class_name="section", aria_label="Accounts"),
        ),
        class_name="section",
        aria_labelledby="accounts",
    )


def _account(row: rx.Var[AccountLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.h3(row.name, class_name="cut"),
            status_badge(row.status),
            rx.cond(row.is_default, rx.el.span("default", class_name="chip")),
            for_admins(_actions(row)),
            class_name="task-top",
        ),
        problem(row.message),
        facts(
            [
                ("Owner", row.owner),
                ("Key", row.key),
                (
                    "Rate",
                    rx.cond(
                        row.blocked_until != "", rx.el.span(row.pace, ", waits ", due(row.blocked_until)), row.pace
                    ),
                ),
                ("Today (UTC)", rx.el.span(row.today, class_name="num")),
                ("Checked", rx.cond(row.checked_at != "", age(row.checked_at), "not yet")),
            ]
        ),
        class_name="card",
        key=row.id,
    )


def _patience(row: rx.Var[AccountLine]) -> rx.Component:
    return rx.el.span(", Cursor asked to wait ", due(row.blocked_until))


def _actions(row: rx.Var[AccountLine]) -> rx.Component:
    return rx.el.div(
        _opens("pencil", "Edit", "edit", row.id),
        rx.cond(row.controls.contains("replace-key"), _opens("key-round", "Replace key", "key", row.id)),
        _acts(row, "pause", "Pause"),
        _acts(row, "resume", "Resume"),
        _acts(row, "check", "Check now"),
        _acts(row, "default", "Make default"),
        rx.cond(
            row.controls.contains("delete"),
            confirm(
                rx.el.button("Delete", type="button", class_name="button small"),
                "Delete this account?",
                "Its key is forgotten for good. Its agents stay here as history, but nothing more can be done to them.",
                "Delete it",
                State.act("delete", row.id),
            ),
        ),
        class_name="actions",
    )


def _opens(icon: str, word: str, form: str, account_id: rx.Var[str] | str) -> rx.Component:
    is_open = (State.form == form) & (State.chosen == account_id)
    return rx.el.button(
        rx.icon(icon, size=13, aria_hidden="true"),
        word,
        type="button",
        class_name="button small",
        aria_expanded=is_open,
        on_click=State.open_form(form, account_id),
    )


def _acts(row: rx.Var[AccountLine], action: str, word: str) -> rx.Component:
    button = rx.el.button(word, type="button", class_name="button small", on_click=State.act(action, row.id))
    return rx.cond(row.controls.contains(action), button)


def _form() -> rx.Component:
    """The one form: each control is in the page once, since controls of the same id would answer for each other."""
    is_new, is_key = State.form == "new", State.form == "key"
    return rx.el.form(
        rx.el.h3(rx.cond(is_new, "Add an account", rx.cond(is_key, "Another key for ", "Edit ")), State.begins["name"]),
        rx.el.div(
            rx.cond(~is_key, _name_field()),
            rx.cond(is_new | is_key, _key_field()),
            *[rx.cond(State.form == "edit" if own else ~is_key, _limit(*limit)) for own, *limit in _LIMITS],
            class_name="form-row",
        ),
        rx.el.div(
            rx.el.button(
                rx.cond(
                    State.is_sending, "Asking…", rx.cond(is_new, "Add it", rx.cond(is_key, "Use this key", "Save"))
                ),
                type="submit",
                class_name="button primary",
                disabled=State.is_sending,
            ),
            rx.el.button("Cancel", type="button", class_name="button", on_click=State.open_form("", "")),
            class_name="actions",
        ),
        on_submit=State.submit,
        class_name="form card",
        no_validate=True,
        key=State.form + State.chosen,
    )


def _name_field() -> rx.Component:
    control = text_input("name", placeholder="such as team-a", default_value=State.begins["name"])
    return field("Name", control, name="name", errors=State.errors)


def _key_field() -> rx.Component:
    control = text_input("key", type="password", aria_describedby="key-hint", spell_check=False)
    return field("Key", control, name="key", hint=_KEY_HINT, errors=State.errors)


def _limit(name: str, label: str, hint: str) -> rx.Component:
    begins = State.begins[name]
    control = text_input(name, input_mode="numeric", aria_describedby=f"{name}-hint", default_value=begins)
    return field(label, control, name=name, hint=hint, errors=State.errors)
