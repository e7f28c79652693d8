"""Where a further prompt for the agent shown is written."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.state.agent import AgentState as State


def agent_composer() -> rx.Component:
    """The form, where the agent takes follow-ups."""
    return rx.cond(
        State.controls.contains("followup"),
        rx.el.form(
            rx.el.label("Follow-up", html_for="followup"),
            rx.el.textarea(id="followup", name="followup", rows=3, placeholder="What should it do next?"),
            rx.el.div(rx.el.button("Send", type="submit", class_name="button primary"), class_name="actions"),
            on_submit=State.send_followup,
            class_name="field",
            key=State.sent.to(str),
        ),
    )
