"""The queue at a glance: sums that lead to their jobs, a line for each kind, the last hour in two plots."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.feedback import metric
from cursor_monitor.components.plot import plot
from cursor_monitor.components.table import table
from cursor_monitor.state.queue_depth import DepthLine
from cursor_monitor.state.queue_depth import QueueDepthState as State

_HEADS = (
    ("Kind", ""),
    ("Due", "end"),
    ("Running", "end"),
    ("Scheduled", "end hide-phone"),
    ("Dead letters", "end"),
    ("Oldest due", "end hide-phone"),
    ("Ended in 1 h", "end hide-phone"),
    ("Waited: half / 95 %", "end hide-phone"),
    ("Took: half / 95 %", "end hide-phone"),
)
_ENDS = ("60 min ago", "now")


def queue_depth() -> rx.Component:
    """All of it, once it was read."""
    return rx.cond(
        State.is_loaded,
        rx.fragment(
            _sums(),
            rx.cond(State.lines.length() > 0, table("Jobs by kind and state", _HEADS, rx.foreach(State.lines, _line))),
            rx.el.div(
                plot("Ended by the minute", State.ended_words, State.ended_bars, _ENDS),
                plot("Waited from due to start, 95 %", State.wait_words, State.wait_bars, _ENDS),
                class_name="grid-2",
            ),
        ),
    )


def _sums() -> rx.Component:
    late = rx.cond(State.is_late, "person", "")
    return rx.el.div(
        metric("due", State.due, f"{routes.QUEUE}?status=pending", late),
        metric("running", State.running, f"{routes.QUEUE}?status=processing", _unless_zero(State.running, "running")),
        metric("scheduled", State.scheduled, f"{routes.QUEUE}?status=pending"),
        metric("dead letters", State.dead, f"{routes.QUEUE}?status=failed", _unless_zero(State.dead, "bad")),
        metric("oldest due", State.oldest, f"{routes.QUEUE}?status=pending", late, "small"),
        class_name="metrics",
    )


def _unless_zero(value: rx.Var[int], tone: str) -> rx.Var:
    return rx.cond(value > 0, tone, "")


def _line(line: rx.Var[DepthLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.link(line.kind, href=line.href, underline="none", class_name="name-link mono")),
        _number(line.due),
        _number(line.running),
        _number(line.scheduled, "hide-phone"),
        rx.el.td(
            rx.cond(
                line.dead > 0,
                rx.link(line.dead, href=line.dead_href, underline="none", class_name="name-link num"),
                _nothing(),
            ),
            class_name="end",
        ),
        _word(line.oldest),
        _word(line.ended),
        _word(line.wait),
        _word(line.run),
        key=line.kind,
    )


def _number(value: rx.Var[int], look: str = "") -> rx.Component:
    number = rx.cond(value > 0, rx.el.span(value, class_name="num"), _nothing())
    return rx.el.td(number, class_name=f"end {look}".strip())


def _word(value: rx.Var[str]) -> rx.Component:
    word = rx.cond(value != "", rx.el.span(value, class_name="num"), _nothing())
    return rx.el.td(word, class_name="end hide-phone")


def _nothing() -> rx.Component:
    return rx.el.span("–", class_name="faint")
