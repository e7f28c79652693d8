"""Follow-ups for the agent shown that Cursor does not have yet."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.time import age
from cursor_monitor.queries.agents import FollowupRow
from cursor_monitor.state.agent import AgentState as State


def agent_waiting() -> rx.Component:
    """Those that wait or failed, each with its reason."""
    return rx.foreach(State.waiting, _waiting)


def _waiting(followup: rx.Var[FollowupRow]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span("Follow-up by ", followup.created_by),
            rx.el.strong(followup.status),
            age(followup.created_at),
            class_name="who",
        ),
        rx.el.div(followup.prompt, class_name="body prose"),
        rx.cond(followup.error_message, rx.el.p(followup.error_message.to(str), class_name="field-error")),
        class_name="bubble mine",
        key=followup.id,
    )
