"""What a person can do to the agent shown."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.feedback import confirm
from cursor_monitor.state.agent import AgentState as State


def agent_actions() -> list[rx.Component]:
    """The buttons of the page's head."""
    return [_stop()]


def _stop() -> rx.Component:
    trigger = rx.el.button(
        rx.icon("circle-stop", size=14, aria_hidden="true"), "Stop", type="button", class_name="button"
    )
    return rx.cond(
        State.controls.contains("stop"),
        confirm(
            trigger,
            "Stop this agent?",
            "What it is doing is cancelled at Cursor. What it pushed stays.",
            "Stop it",
            State.stop,
        ),
    )
