"""The bar over chosen jobs, and the dialog that counts before anything is done."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.feedback import problem
from cursor_monitor.domain.jobs import JobAction
from cursor_monitor.state.queue import QueueState as State

# What it is called, what it does, and the statuses of the filter under which it makes sense.
_ACTIONS = (
    (
        JobAction.RETRY,
        "Try again",
        "With all their attempts. A job is left out where a newer one for the same work is there already.",
        ("", "failed", "cancelled"),
    ),
    (JobAction.RUN_NOW, "Run now", "They no longer wait for their time.", ("", "pending")),
    (
        JobAction.DISCARD,
        "Discard",
        "They are not done, those that run are stopped, and what waits for them goes on without them.",
        ("", "pending", "processing", "failed"),
    ),
)


def queue_bulk() -> rx.Component:
    """The bar, what was done last, and the dialog."""
    return for_operators(
        _bar(),
        rx.el.div(State.bulk_done, role="status", class_name=rx.cond(State.bulk_done != "", "done", "visually-hidden")),
        _dialog(),
    )


def chooser(job_id: rx.Var[int]) -> rx.Component:
    """The cell that chooses a job."""
    return for_operators(
        rx.el.td(
            rx.el.input(
                type="checkbox",
                aria_label=rx.Var.create("Choose job ") + job_id.to(str),
                checked=State.selected.contains(job_id) | State.over_filter,
                on_change=State.toggle(job_id),
            ),
            class_name="check",
        )
    )


def page_chooser() -> rx.Component:
    """The head that chooses all jobs of the page."""
    return for_operators(
        rx.el.th(
            rx.el.input(
                type="checkbox",
                aria_label="Choose all of this page",
                checked=State.is_page_selected | State.over_filter,
                on_change=State.toggle_page,
            ),
            scope="col",
            class_name="check",
        )
    )


def _bar() -> rx.Component:
    is_chosen = (State.selected.length() > 0) | State.over_filter
    return rx.cond(
        is_chosen,
        rx.el.div(
            rx.el.strong(rx.cond(State.over_filter, "All that fit", f"{State.selected.length()} chosen")),
            rx.cond(~State.over_filter, _button("Choose all that fit", State.select_filter)),
            *[_action(action, word, statuses) for action, word, _, statuses in _ACTIONS],
            _button("Choose none", State.clear_selection),
            class_name="bulk-bar",
            role="toolbar",
            aria_label="Actions on what is chosen",
        ),
    )


def _action(action: JobAction, word: str, statuses: tuple[str, ...]) -> rx.Component:
    makes_sense = rx.Var.create(list(statuses)).contains(State.filters["status"])
    return rx.cond(makes_sense, _button(word, State.begin(action.value)))


def _button(word: str, on_click: rx.EventHandler) -> rx.Component:
    return rx.el.button(word, type="button", class_name="button small", on_click=on_click)


def _dialog() -> rx.Component:
    word = rx.match(State.bulk_action, *[(action.value, word) for action, word, _, _ in _ACTIONS], "")
    what = rx.match(State.bulk_action, *[(action.value, text) for action, _, text, _ in _ACTIONS], "")
    jobs = rx.cond(State.bulk_count == 1, "job", "jobs")
    look = rx.cond(State.bulk_action == JobAction.DISCARD.value, "button danger", "button primary")
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(word, ": ", State.bulk_count, " ", jobs),
            rx.alert_dialog.description(what),
            problem(State.bulk_error),
            rx.el.div(
                rx.alert_dialog.cancel(rx.el.button("Leave it", type="button", class_name="button")),
                rx.el.button(
                    f"{word} {State.bulk_count} {jobs}",
                    type="button",
                    disabled=State.bulk_count == 0,
                    on_click=State.confirm_bulk,
                    class_name=look,
                ),
                class_name="actions end",
            ),
            max_width="420px",
        ),
        open=State.bulk_action != "",
        on_open_change=State.close_bulk,
    )
