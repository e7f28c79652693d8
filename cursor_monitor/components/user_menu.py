"""Who is signed in, and the way out."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.state.shell import ShellState


class _NativeForm(rx.el.Div):
    """A form that the browser itself sends; Reflex's own never leaves the page."""

    tag = "form"


def user_menu() -> rx.Component:
    """The name and the role of who looks, and a form that signs out; or that nobody has to sign in."""
    return rx.cond(
        ShellState.is_open,
        rx.el.span(
            "Open",
            class_name="badge tone-quiet",
            title="Nobody signs in, as only this machine can reach this server",
        ),
        rx.cond(ShellState.user_name != "", _signed_in()),
    )


def _signed_in() -> rx.Component:
    return rx.fragment(
        rx.link(
            ShellState.user_name,
            href=routes.ACCESS,
            underline="none",
            class_name="cut hide-phone",
            title=f"Signed in as {ShellState.role}: sessions, password, tokens",
        ),
        # A form, as the cookie is out of reach for scripts; and a whole page load, as a socket keeps its cookie.
        _NativeForm.create(
            rx.el.button(
                rx.icon("log-out", size=16, aria_hidden="true"),
                type="submit",
                class_name="icon-button",
                aria_label="Sign out",
            ),
            custom_attrs={"method": "post", "action": "/api/session/end"},
        ),
    )
