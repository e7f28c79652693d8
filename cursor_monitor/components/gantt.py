"""The time of an orchestration: a row for each task, its stretches as bars on one axis, each with its words."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.feedback import empty
from cursor_monitor.components.time import duration
from cursor_monitor.domain.gantt import Kind
from cursor_monitor.state.gantt import BarView, LineView, TickView
from cursor_monitor.state.gantt import GanttState as State

_LEGEND = (
    (Kind.WAIT, "Waiting"),
    (Kind.LAUNCH, "Launching"),
    (Kind.RUN, "Running"),
    (Kind.REVIEW, "Reviewed"),
    (Kind.JUDGE, "Judged"),
    (Kind.HELD, "Needs a person"),
    (Kind.PAUSED, "Paused"),
)


def gantt() -> rx.Component:
    """The drawing; before anything was planned, that there is nothing to draw."""
    return rx.cond(
        State.lines.length() == 0,
        rx.cond(State.is_loaded, empty("Nothing has happened yet", "Bars appear as soon as its tasks are planned.")),
        rx.el.section(
            rx.el.ul(*[_legend(kind, word) for kind, word in _LEGEND], class_name="legend", aria_label="Legend"),
            rx.cond(
                State.is_cut, rx.el.p("Only the first part: there are more events than are drawn.", class_name="hint")
            ),
            rx.el.div(
                rx.el.div(rx.foreach(State.ticks, _tick), class_name="gantt-axis", aria_hidden="true"),
                rx.el.ol(rx.foreach(State.lines, _line), aria_label="Time of each task"),
                class_name="gantt",
                tab_index=0,
                role="region",
                aria_label="Gantt",
            ),
            class_name="section",
        ),
    )


def _legend(kind: Kind, word: str) -> rx.Component:
    return rx.el.li(rx.el.span(class_name="swatch", custom_attrs={"data-kind": kind.value}, aria_hidden="true"), word)


def _tick(tick: rx.Var[TickView]) -> rx.Component:
    return rx.el.span(tick.word, style={"left": tick.left}, class_name="num", key=tick.word)


def _line(line: rx.Var[LineView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.el.span(line.title, class_name="cut", title=line.title),
            rx.cond(line.is_critical, rx.el.span("critical", class_name="chip", title="It decided how long all took")),
            class_name="gantt-name",
        ),
        rx.el.ul(rx.foreach(line.bars, _bar), class_name="gantt-bars", aria_label=line.title),
        key=line.key,
    )


def _bar(bar: rx.Var[BarView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(bar.words, ", ", duration(bar.start, bar.end), class_name="gantt-words"),
        style={"left": bar.left, "width": bar.width},
        tab_index=0,
        class_name=rx.cond(bar.is_late, "late", ""),
        custom_attrs={"data-kind": bar.kind, "data-going": rx.cond(bar.end == "", "true", "false")},
        key=bar.id,
    )
