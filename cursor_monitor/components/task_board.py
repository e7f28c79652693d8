"""The tasks of an orchestration in columns by their state."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components import chips
from cursor_monitor.components.status_badge import checks_badge, status_icon
from cursor_monitor.components.time import duration
from cursor_monitor.state.orchestration import OrchestrationState as State
from cursor_monitor.state.orchestration_views import ColumnView, TaskView


def task_board() -> rx.Component:
    """All columns that hold something, and those that could."""
    return rx.el.div(rx.foreach(State.board, _column), class_name="board tasks-board")


def _column(column: rx.Var[ColumnView]) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2(column.title), rx.el.span(column.count, class_name="count num faint"), class_name="section-head"
        ),
        rx.cond(
            column.count == 0,
            rx.el.p("None", class_name="faint"),
            rx.el.ul(rx.foreach(column.tasks, _card), class_name="lane-cards", aria_label=column.title),
        ),
        class_name="section",
        key=column.title,
    )


def _card(task: rx.Var[TaskView]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            status_icon(task.status), rx.el.span(task.title, class_name="title", title=task.title), class_name="line"
        ),
        rx.cond(task.waits_for, rx.el.p("waits for ", task.waits_for, class_name="why")),
        rx.cond(task.error_message, rx.el.p(task.error_message, class_name="field-error")),
        rx.el.div(
            rx.el.span(task.key, class_name="mono"),
            chips.agent_chip(task.agent_id),
            chips.pr_chip(task.pr_url),
            rx.cond(task.checks != "", checks_badge(task.checks)),
            rx.cond(task.started_at, duration(task.started_at, task.completed_at)),
            class_name="line",
        ),
        class_name="card",
        custom_attrs={"data-row": "true"},
        key=task.key,
    )
