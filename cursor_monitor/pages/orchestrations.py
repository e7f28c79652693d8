"""All orchestrations, newest first."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.account_choice import account_filter
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.chips import repository_chip
from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.progress import progress
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.table import data_table, filter_bar, filter_choice, search_box
from cursor_monitor.components.time import age, duration
from cursor_monitor.domain.status import Mode, OrchestrationStatus
from cursor_monitor.queries.orchestrations import OrchestrationRow
from cursor_monitor.state.orchestrations import OrchestrationsState as State

_HEADS = (
    ("Status", ""),
    ("Name", ""),
    ("Repository", "hide-phone"),
    ("Mode", "hide-phone"),
    ("Tasks", ""),
    ("Agents", "end hide-phone"),
    ("Quality", "end hide-phone"),
    ("Took", "end hide-phone"),
    ("Made", "end"),
)
_STATUSES = [
    ("", "All statuses"),
    ("attention", "Needs you"),
    ("active", "Active"),
    ("failures", "Failed or partial"),
    *[(s.value, s.value.capitalize()) for s in OrchestrationStatus],
]
_ENDS = [("", "At any time"), ("day", "Ended in 24 hours"), ("week", "Ended in 7 days")]
_MODES = [("", "All modes"), *[(m.value, m.value) for m in Mode]]


@page(routes.ORCHESTRATIONS, title="Orchestrations", active=routes.ORCHESTRATIONS, on_load=[State.watch])
def orchestrations() -> rx.Component:
    """The list under its filters."""
    return rx.fragment(
        header("Orchestrations", actions=[for_operators(_new_link())]),
        _filters(),
        problem(State.page_error),
        loaded(
            State.is_loaded, State.rows.length() == 0, _nothing(), data_table(State, "Orchestrations", _HEADS, _row)
        ),
    )


def _new_link() -> rx.Component:
    return rx.link(
        rx.icon("plus", size=15, aria_hidden="true"),
        "New orchestration",
        href=routes.NEW_ORCHESTRATION,
        underline="none",
        class_name="button primary",
    )


def _filters() -> rx.Component:
    return filter_bar(
        State.is_filtered,
        State.clear_filters,
        search_box("Search name, prompt, repository", State.q, State.set_q),
        filter_choice("Status", State.filters["status"], _STATUSES, lambda v: State.set_filter("status", v)),
        filter_choice("When", State.filters["ended"], _ENDS, lambda v: State.set_filter("ended", v)),
        filter_choice("Mode", State.filters["mode"], _MODES, lambda v: State.set_filter("mode", v)),
        account_filter(State),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        State.is_filtered,
        empty("Nothing matches", "No orchestration has what these filters ask for."),
        empty(
            "No orchestration yet",
            "An orchestration splits a job over several Cursor agents and follows each to a verified end.",
            _new_link(),
        ),
    )


def _row(row: rx.Var[OrchestrationRow]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(status_badge(row.status)),
        rx.el.td(
            rx.link(row.name, href=f"{routes.ORCHESTRATIONS}/{row.id}", underline="none", class_name="name-link"),
            title=row.name,
        ),
        rx.el.td(repository_chip(row.repository), class_name="hide-phone"),
        rx.el.td(rx.el.span(row.mode, class_name="mono faint"), class_name="hide-phone"),
        rx.el.td(progress(row.tasks_completed, row.tasks_total)),
        rx.el.td(row.active_agents, class_name="end num hide-phone"),
        rx.el.td(
            rx.cond(row.quality_score.is_none(), rx.el.span("–", title="Not known yet"), row.quality_score),
            class_name="end num hide-phone",
        ),
        rx.el.td(rx.cond(row.started_at, duration(row.started_at, row.completed_at), "–"), class_name="end hide-phone"),
        rx.el.td(age(row.created_at), class_name="end"),
        key=row.id,
    )
