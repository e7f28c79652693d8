"""The audit log: who did what, and what was refused."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.table import filter_choice, pager, search_box, table
from cursor_monitor.components.time import age
from cursor_monitor.state.audit import AuditLine
from cursor_monitor.state.audit import AuditState as State

_HEADS = (
    ("When", ""),
    ("Who", ""),
    ("Action", ""),
    ("On what", "hide-phone"),
    ("Outcome", ""),
    ("Details", "hide-phone"),
    ("Address", "hide-phone"),
)
_OUTCOMES = [
    ("", "All outcomes"),
    ("done", "Done"),
    ("begun", "Begun"),
    ("refused", "Refused"),
    ("failed", "Failed"),
]


@page(routes.AUDIT, title="Audit log", active=routes.AUDIT, on_load=[State.watch])
def audit() -> rx.Component:
    """The entries under their filters."""
    return rx.fragment(
        header("Audit log", rx.el.span("Every change and every refusal. It can be added to, and not changed.")),
        rx.el.div(
            search_box("Part of an action", State.q, State.set_q),
            rx.el.input(
                type="search",
                placeholder="Who, exactly",
                aria_label="Who",
                default_value=State.filters["actor"],
                on_change=lambda value: State.set_filter("actor", value).debounce(400),
            ),
            filter_choice("Outcome", State.filters["outcome"], _OUTCOMES, lambda v: State.set_filter("outcome", v)),
            rx.cond(
                State.is_filtered,
                rx.el.button("Clear", type="button", class_name="button small", on_click=State.clear_filters),
            ),
            class_name="filters",
            role="search",
        ),
        problem(State.page_error),
        loaded(State.is_loaded, State.rows.length() == 0, _nothing(), _list()),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        State.is_filtered,
        empty("Nothing matches", "No entry has what these filters ask for."),
        empty("Nothing yet", "Each change that somebody makes, and each that is refused, is written here."),
    )


def _list() -> rx.Component:
    return rx.fragment(
        table("Audit log", _HEADS, rx.foreach(State.rows, _row)),
        pager(State.cursor == "", State.next_cursor != "", State.first_page, State.next_page),
    )


def _row(row: rx.Var[AuditLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(age(row.at)),
        rx.el.td(rx.el.span(row.actor, class_name="cut", title=row.kind)),
        rx.el.td(rx.el.span(row.action, class_name="mono cut", title=row.action)),
        rx.el.td(rx.el.span(row.subject, class_name="mono cut", title=row.subject), class_name="hide-phone"),
        rx.el.td(row.outcome),
        rx.el.td(rx.el.span(row.details, class_name="cut", title=row.details), class_name="hide-phone"),
        rx.el.td(row.ip, class_name="num hide-phone"),
        key=row.id,
    )
