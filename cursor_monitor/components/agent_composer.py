"""Where a further prompt for the agent shown is written."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.drafts import draft_key, draft_note, kept
from cursor_monitor.components.model_choice import model_choice
from cursor_monitor.components.pictures import pictures
from cursor_monitor.state.agent import AgentState
from cursor_monitor.state.agent_acts import AgentActsState as Acts
from cursor_monitor.state.shell import ShellState


def agent_composer() -> rx.Component:
    """The form, where the agent takes follow-ups."""
    return rx.cond(
        Acts.controls.contains("followup") & ShellState.may_operate,
        rx.el.form(
            draft_key(),
            draft_note(),
            rx.el.label("Follow-up", html_for="followup"),
            rx.el.textarea(id="followup", name="followup", rows=3, placeholder="What should it do next?"),
            rx.el.details(
                rx.el.summary("Pictures and model"),
                pictures("followup_images"),
                rx.el.div(model_choice(Acts), class_name="form-row"),
            ),
            rx.el.div(rx.el.button("Send", type="submit", class_name="button primary"), class_name="actions"),
            on_submit=Acts.send,
            class_name="field",
            key=Acts.sent.to(str),
            custom_attrs=kept(rx.Var.create("follow-up ") + AgentState.agent.id, AgentState.agent.id),
        ),
    )
