"""Forms whose text the browser keeps until it was sent; see assets/drafts.js."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.state.shell import ShellState

FORGET = {"data-draft-forget": "true"}
"""The attributes of a button that leaves a form and throws away what was written in it."""


def kept(name: Any, opened: Any = "") -> dict[str, Any]:
    """The attributes of a form that is kept under a name; it is filled again whenever `opened` changes."""
    return {"data-draft": name, "data-draft-opened": opened, "data-draft-owner": ShellState.user_name}


def draft_key() -> rx.Component:
    """The field that carries the draft's own key."""
    return rx.el.input(type="hidden", name="draft_key", default_value="")


def draft_note() -> rx.Component:
    """That a draft is back, and the way to be rid of it."""
    return rx.el.p(
        rx.icon("history", size=14, aria_hidden="true"),
        rx.el.span(
            "What you had written is back.",
            rx.el.span(
                " It may have been sent already: look before you send it again.",
                custom_attrs={"data-draft-sent": "true"},
            ),
        ),
        rx.el.button(
            "Start afresh", type="button", class_name="button small", custom_attrs={"data-draft-discard": "true"}
        ),
        class_name="shelf-note",
        role="status",
        hidden=True,
        custom_attrs={"data-draft-note": "true"},
    )
