"""What a launch would do, beside the form that says it."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.components.task_graph import task_graph
from cursor_monitor.state.plan_view import PlannedView, PlanView


def plan_preview(plan: rx.Var[PlanView], problem: rx.Var[str], on_edit: Any) -> rx.Component:
    """The plan as list and drawing, its agents, limits and cost; or why there is none yet."""
    return rx.el.section(
        rx.el.h2("Plan"),
        rx.cond(
            problem != "",
            rx.el.p(problem, class_name="hint", role="status"),
            rx.cond(plan.source != "", _plan(plan, on_edit)),
        ),
        class_name="section plan-preview",
        aria_label="Plan preview",
    )


def _plan(plan: rx.Var[PlanView], on_edit: Any) -> rx.Component:
    return rx.fragment(
        rx.el.p(plan.whence, " ", plan.agents, ".", role="status"),
        rx.cond(plan.tasks.length() > 1, task_graph(plan.graph)),
        rx.cond(
            plan.tasks.length() > 0,
            rx.el.ol(rx.foreach(plan.tasks, _task), class_name="rows", aria_label="Planned tasks"),
        ),
        rx.cond(plan.shared != "", rx.el.details(rx.el.summary("Told to every task"), rx.el.pre(plan.shared))),
        rx.el.p("Expected cost: ", plan.cost, ". ", rx.el.span(plan.basis, class_name="faint")),
        rx.el.ul(rx.foreach(plan.limits, lambda limit: rx.el.li(limit)), class_name="limits", aria_label="Limits"),
        rx.cond(
            plan.tasks.length() > 1,
            rx.el.div(
                rx.el.button(
                    rx.icon("pencil", size=14, aria_hidden="true"),
                    "Edit the plan",
                    type="button",
                    class_name="button",
                    on_click=on_edit,
                )
            ),
        ),
    )


def _task(task: rx.Var[PlannedView]) -> rx.Component:
    return rx.el.li(
        rx.el.details(
            rx.el.summary(
                task.title,
                rx.cond(task.is_choice, rx.el.span(" keeps the best of them", class_name="faint")),
                rx.cond(task.is_merge, rx.el.span(" merges branches", class_name="faint")),
                rx.cond(task.after != "", rx.el.span(" after ", task.after, class_name="faint")),
            ),
            rx.el.pre(task.prompt),
        ),
        key=task.key,
    )
