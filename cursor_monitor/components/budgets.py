"""What an orchestration has used of what it may, and the form that changes it."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.form import field, text_input
from cursor_monitor.state.orchestration import OrchestrationState as State
from cursor_monitor.state.orchestration_views import BudgetView
from cursor_monitor.state.shell import ShellState

_LIMITS = (
    ("max_agents", "Agents in all"),
    ("max_followups", "Follow-ups in all"),
    ("budget_cents", "US cents in all"),
    ("wall_hours", "Hours in all"),
)


def budgets() -> rx.Component:
    """The bars, and the form once it is opened."""
    return rx.el.section(
        rx.el.h2("Budget"),
        rx.el.ul(rx.foreach(State.budgets, _bar), class_name="budgets", aria_label="Budgets"),
        rx.cond(
            State.may_set_budget & ShellState.may_operate,
            rx.cond(
                State.is_budgeting,
                _form(),
                rx.el.button(
                    rx.icon("gauge", size=14, aria_hidden="true"),
                    "Change budget",
                    type="button",
                    class_name="button small",
                    on_click=State.open_budget,
                ),
            ),
        ),
        class_name="section",
    )


def _bar(budget: rx.Var[BudgetView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(budget.label),
        rx.el.span(
            rx.cond(
                budget.share >= 0,
                rx.el.span(
                    rx.el.span(style={"width": f"{budget.share}%"}), class_name="progress-bar", aria_hidden="true"
                ),
            ),
            rx.el.span(budget.words, class_name="num"),
            class_name="progress",
        ),
        rx.cond(budget.warning != "", rx.el.p(budget.warning, class_name="hint")),
        key=budget.name,
    )


def _form() -> rx.Component:
    return rx.el.form(
        *[
            field(
                label,
                text_input(name, input_mode="decimal", placeholder="as it is"),
                name=name,
                errors=State.budget_errors,
            )
            for name, label in _LIMITS
        ],
        rx.el.div(
            rx.el.button("Set budget", type="submit", class_name="button primary"),
            rx.el.button("Close", type="button", class_name="button", on_click=State.close_budget),
            class_name="actions",
        ),
        on_submit=State.set_budget,
        no_validate=True,
        class_name="form",
    )
