"""Who said what of an agent, and what is likely where they do not agree."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.time import age
from cursor_monitor.state.agent import AgentState as State
from cursor_monitor.state.truth import WordView


def doubt_hint(why: rx.Var[str | None]) -> rx.Component:
    """A small sign in a list that the status may not be the truth; the reason on hover and for screen readers."""
    return rx.cond(
        why,
        rx.el.span(
            rx.icon("triangle-alert", size=13, aria_hidden="true"),
            rx.el.span(why.to(str), class_name="visually-hidden"),
            title=why.to(str),
            class_name="tone-person state",
        ),
    )


def disagreement() -> rx.Component:
    """What is likely and why, above everything else; nothing where nothing speaks against the status."""
    return rx.cond(
        State.truth.why != "",
        rx.el.div(
            rx.icon("triangle-alert", size=16, aria_hidden="true"),
            rx.el.div(rx.el.p("Likely ", status_badge(State.truth.likely), " ", State.truth.why)),
            role="status",
            class_name="problem doubt",
        ),
    )


def words() -> rx.Component:
    """What each source said last."""
    return rx.el.section(
        rx.el.h2("Who says what"),
        rx.cond(
            State.words.length() == 0,
            rx.el.p("Nobody has said anything yet.", class_name="faint"),
            rx.el.ul(rx.foreach(State.words, _word), class_name="rows", aria_label="Who says what"),
        ),
        class_name="section",
        aria_label="Who says what",
    )


def _word(word: rx.Var[WordView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(word.source, class_name="faint"),
        rx.el.span(word.said, class_name="mono"),
        age(word.at),
        class_name="line",
        key=word.key,
    )
