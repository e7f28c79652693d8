"""The runs of the agent shown: what it was told and what it answered."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.time import age, duration
from cursor_monitor.queries.agents import FollowupRow, RunRow
from cursor_monitor.state.agent import AgentState as State


def agent_runs() -> rx.Component:
    """Prompts and answers, oldest first, and the follow-ups that still wait."""
    return rx.el.section(
        rx.el.h2("Runs"),
        rx.cond(
            State.runs.length() == 0,
            rx.el.div(
                rx.el.div("Asked", class_name="who"),
                rx.el.div(State.prompt, class_name="body prose"),
                class_name="bubble mine",
            ),
            rx.el.ol(rx.foreach(State.runs, _run), class_name="conversation", aria_label="Runs"),
        ),
        rx.foreach(State.waiting, _waiting),
        class_name="section",
    )


def _run(run: rx.Var[RunRow]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            run.prompt,
            rx.el.div(
                rx.el.div("Asked ", age(run.created_at), class_name="who"),
                rx.el.div(run.prompt.to(str), class_name="body prose"),
                class_name="bubble mine",
            ),
        ),
        rx.el.div(
            rx.el.div(
                rx.el.span("Answered"),
                rx.el.span(run.status, class_name="mono"),
                duration(run.created_at, run.ended_at),
                class_name="who",
            ),
            rx.cond(
                run.result,
                rx.el.div(run.result.to(str), class_name="body prose"),
                rx.el.p(
                    rx.cond(run.ended_at, "Cursor gave no final text for this run.", "No answer yet."),
                    class_name="faint",
                ),
            ),
            class_name="bubble",
        ),
        class_name="conversation",
        key=run.id,
    )


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
