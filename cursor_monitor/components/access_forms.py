"""The forms about people, tokens and passwords; one is in the page at a time, so that its ids are its own."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.components.form import choice, field, text_input
from cursor_monitor.domain.access import PASSWORD_LEAST, TOKEN_DAYS_MOST, Role
from cursor_monitor.services.tokens import DEFAULT_DAYS
from cursor_monitor.state.access import AccessState as State

ROLES = [
    (Role.VIEWER.value, "Viewer: looks"),
    (Role.OPERATOR.value, "Operator: also launches, steers and ends work"),
    (Role.ADMIN.value, "Administrator: also manages people and keys"),
]
_PASSWORD_HINT = f"At least {PASSWORD_LEAST} characters; a few words make a good one."


def opens(icon: str, word: str, form: str, person: Any = "", name: Any = "") -> rx.Component:
    """A button that opens one of the forms, or closes it again."""
    is_open = (State.form == form) & (State.chosen == person)
    label = {"aria_label": name} if not isinstance(name, str) or name else {}
    return rx.el.button(
        rx.icon(icon, size=13, aria_hidden="true"),
        word,
        type="button",
        class_name="button small",
        aria_expanded=is_open,
        on_click=State.open_form(form, person),
        **label,
    )


def user_form() -> rx.Component:
    """Somebody new."""
    return _form(
        "Add a person",
        State.add_user,
        _text("email", "E-mail", "What they sign in with.", type="email"),
        _text("name", "Name", "What people call them. Empty: the part before the @."),
        _role(),
        _password(
            "password",
            "Password",
            rx.cond(State.has_supabase, f"{_PASSWORD_HINT} Empty: they sign in with Supabase.", _PASSWORD_HINT),
        ),
        action="Add them",
    )


def reset_form() -> rx.Component:
    """A new password for somebody else."""
    return _form(
        rx.fragment("A new password for ", State.chosen_name),
        State.reset_password,
        _password("password", "Password", f"{_PASSWORD_HINT} It signs them out everywhere."),
        action="Set it",
    )


def token_form() -> rx.Component:
    """A new API token."""
    return _form(
        "New API token",
        State.make_token,
        _text("name", "Name", "What it is for."),
        _role(),
        _text(
            "days",
            "Days",
            f"How long it works, at most {TOKEN_DAYS_MOST}.",
            input_mode="numeric",
            default_value=str(DEFAULT_DAYS),
        ),
        action="Make it",
    )


def password_form() -> rx.Component:
    """Another password of one's own."""
    return _form(
        "Change my password",
        State.change_password,
        _password("old_password", "The password of today"),
        _password("new_password", "The new one", f"{_PASSWORD_HINT} It signs you out everywhere."),
        action="Change it",
    )


def _form(title: Any, on_submit: Any, *fields: rx.Component, action: str) -> rx.Component:
    return rx.el.form(
        rx.el.h3(title),
        rx.el.div(*fields, class_name="form-row"),
        rx.el.div(
            rx.el.button(
                rx.cond(State.is_sending, "Saving…", action),
                type="submit",
                class_name="button primary",
                disabled=State.is_sending,
            ),
            rx.el.button("Cancel", type="button", class_name="button", on_click=State.open_form("", "")),
            class_name="actions",
        ),
        on_submit=on_submit,
        class_name="form card",
        no_validate=True,
        key=State.form + State.chosen,
    )


def _role() -> rx.Component:
    return field("Role", choice("role", ROLES), name="role", errors=State.errors)


def _text(name: str, label: str, hint: str, **props: Any) -> rx.Component:
    control = text_input(name, aria_describedby=f"{name}-hint", **props)
    return field(label, control, name=name, hint=hint, errors=State.errors)


def _password(name: str, label: str, hint: Any = "") -> rx.Component:
    described = {"aria_describedby": f"{name}-hint"} if isinstance(hint, rx.Var) or hint else {}
    control = text_input(name, type="password", spell_check=False, **described)
    return field(label, control, name=name, hint=hint, errors=State.errors)
