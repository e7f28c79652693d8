"""What a person can do to the agent shown."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.feedback import confirm, problem
from cursor_monitor.components.palette import command
from cursor_monitor.state.agent import AgentState as State
from cursor_monitor.state.agent_acts import AgentActsState as Acts


def agent_actions() -> list[rx.Component]:
    """The buttons of the page's head."""
    return [for_operators(_pin()), _exports(), for_operators(_stop(), _archive(), _unarchive(), _delete())]


def agent_shelf() -> rx.Component:
    """What was refused, and that the agent is archived or deleted, wherever that was done."""
    return rx.fragment(
        problem(Acts.notice),
        rx.match(
            Acts.shelf,
            ("archived", _note("archive", "Archived at Cursor: it takes no follow-ups until it is unarchived.")),
            ("deleted", _note("trash-2", "Deleted at Cursor. What is known of it stays here; its files are gone.")),
            rx.fragment(),
        ),
    )


def _note(icon: str, text: str) -> rx.Component:
    return rx.el.p(rx.icon(icon, size=15, aria_hidden="true"), text, class_name="shelf-note", role="status")


def _button(icon: str, word: str, **props: Any) -> rx.Component:
    return rx.el.button(
        rx.icon(icon, size=14, aria_hidden="true"),
        word,
        type="button",
        class_name="button",
        custom_attrs=command(f"{word} this agent"),
        **props,
    )


def _pin() -> rx.Component:
    return rx.cond(
        Acts.pinned,
        _button("pin-off", "Unpin", on_click=Acts.toggle_pin),
        _button("pin", "Pin", on_click=Acts.toggle_pin),
    )


def _exports() -> rx.Component:
    address = f"{routes.API}/agents/{State.agent.id}/export?format="
    return rx.fragment(
        *[
            rx.el.a(word, href=address + kind, download=True, class_name="button", aria_label=f"Export as {word}")
            for kind, word in (("text", "Text"), ("json", "JSON"))
        ]
    )


def _stop() -> rx.Component:
    return rx.cond(
        Acts.controls.contains("stop"),
        confirm(
            _button("circle-stop", "Stop"),
            "Stop this agent?",
            "What it is doing is cancelled at Cursor. What it pushed stays.",
            "Stop it",
            State.stop,
        ),
    )


def _archive() -> rx.Component:
    return rx.cond(Acts.controls.contains("archive"), _button("archive", "Archive", on_click=Acts.archive))


def _unarchive() -> rx.Component:
    return rx.cond(
        Acts.controls.contains("unarchive"), _button("archive-restore", "Unarchive", on_click=Acts.unarchive)
    )


def _delete() -> rx.Component:
    return rx.cond(
        Acts.controls.contains("delete"),
        confirm(
            _button("trash-2", "Delete"),
            "Delete this agent?",
            "It is deleted at Cursor for good, its files too. What is known of it stays here.",
            "Delete it",
            Acts.delete,
        ),
    )
