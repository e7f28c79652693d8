"""An agent's conversation, live: what was asked and answered, with thinking and tools folded."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.status_badge import status_icon
from cursor_monitor.components.time import age
from cursor_monitor.state.conversation import ConversationState as State
from cursor_monitor.state.conversation import Line


def conversation() -> rx.Component:
    """The lines, oldest first, in a frame that stays at its end while one looks at it; see assets/conversation.js."""
    return rx.el.section(
        rx.el.div(rx.el.h2("Conversation"), _state(), class_name="section-head"),
        rx.el.div(
            rx.cond(
                State.has_earlier,
                rx.el.button("Earlier", type="button", class_name="button small", on_click=State.earlier),
            ),
            rx.el.ol(
                rx.foreach(State.settled, _line),
                rx.foreach(State.growing, _line),
                class_name="conversation",
                aria_label="Conversation",
            ),
            class_name="conversation-frame",
            tab_index=0,
            role="region",
            aria_label="Conversation, the newest at the end",
            custom_attrs={"data-stick": "true"},
        ),
        rx.el.button(
            rx.icon("arrow-down", size=14, aria_hidden="true"),
            "Newest",
            type="button",
            hidden=True,
            class_name="button small to-newest",
            custom_attrs={"data-to-newest": "true"},
        ),
        class_name="section conversation-section",
    )


def _state() -> rx.Component:
    return rx.el.p(
        rx.cond(State.is_live, status_icon("running")),
        rx.el.span(State.how),
        rx.cond(State.heard_at != "", rx.el.span("Last heard ", age(State.heard_at), ".")),
        class_name="line",
    )


def _line(line: rx.Var[Line]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            line.run_status != "",
            rx.el.div(rx.el.span("A further run, "), rx.el.span(line.run_status, class_name="mono"), class_name="turn"),
        ),
        rx.match(
            line.kind,
            ("user", _bubble(line, rx.el.div(line.text, class_name="body prose"), "bubble mine")),
            ("assistant", _bubble(line, rx.html(line.html, class_name="body md"), "bubble")),
            ("tool", _tool(line)),
            ("thinking", _folded(line, rx.el.div(line.text, class_name="prose faint"))),
            rx.el.p(line.text, class_name="faint"),
        ),
        key=line.key,
    )


def _bubble(line: rx.Var[Line], body: rx.Component, class_name: str) -> rx.Component:
    return rx.el.div(
        rx.el.div(rx.el.span(line.speaker), age(line.started_at), class_name="who"),
        body,
        _remark(line),
        class_name=class_name,
    )


def _tool(line: rx.Var[Line]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            status_icon(line.outcome),
            rx.el.span(line.speaker, class_name="mono"),
            rx.el.span(line.subject, class_name="mono cut faint", title=line.subject),
        ),
        _text("Given", line.args),
        _text("Came back", line.result),
        _remark(line),
        class_name="fold",
    )


def _folded(line: rx.Var[Line], body: rx.Component) -> rx.Component:
    return rx.el.details(rx.el.summary(rx.el.span(line.speaker)), body, _remark(line), class_name="fold")


def _text(label: str, text: rx.Var[str]) -> rx.Component:
    return rx.cond(text != "", rx.el.div(rx.el.span(label, class_name="hint"), rx.el.pre(text, tab_index=0)))


def _remark(line: rx.Var[Line]) -> rx.Component:
    return rx.cond(line.remark != "", rx.el.p(line.remark, class_name="hint"))
