"""The fleet: all agents, newest first."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.chips import branch_chip, pr_chip, repository_chip
from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.table import filter_choice, pager, search_box, table
from cursor_monitor.components.time import age
from cursor_monitor.components.truth import doubt_hint
from cursor_monitor.domain.fleet import STATES
from cursor_monitor.queries.agents import AgentRow
from cursor_monitor.state.agents import AgentsState as State

_HEADS = (
    ("State", ""),
    ("Name", ""),
    ("Repository", "hide-phone"),
    ("Branch", "hide-phone"),
    ("Pull request", "hide-phone"),
    ("Cursor says", "hide-phone"),
    ("Seen", "end hide-phone"),
    ("Made", "end"),
)
_STATES = [("", "All states"), *[(state, state.capitalize()) for state in STATES]]


@page(routes.AGENTS, title="Agents", active=routes.AGENTS, on_load=[State.watch])
def agents() -> rx.Component:
    """The list under its filters."""
    return rx.fragment(
        header("Agents"),
        rx.el.div(
            search_box("Search name, id, repository", State.q, State.set_q),
            filter_choice("State", State.filters["status"], _STATES, lambda v: State.set_filter("status", v)),
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
        empty("Nothing matches", "No agent has what these filters ask for."),
        empty(
            "No agent yet",
            "Agents appear here as soon as an orchestration launches them.",
            rx.link("New orchestration", href=routes.NEW_ORCHESTRATION, underline="none", class_name="button primary"),
        ),
    )


def _list() -> rx.Component:
    return rx.fragment(
        table("Agents", _HEADS, rx.foreach(State.rows, _row)),
        pager(State.cursor == "", State.next_cursor != "", State.first_page, State.next_page),
    )


def _row(row: rx.Var[AgentRow]) -> rx.Component:
    name = rx.cond(row.name, row.name.to(str), row.id)
    return rx.el.tr(
        rx.el.td(status_badge(row.state)),
        rx.el.td(
            rx.link(name, href=f"{routes.AGENTS}/{row.id}", underline="none", class_name="name-link"),
            title=name,
        ),
        rx.el.td(repository_chip(row.repository), class_name="hide-phone"),
        rx.el.td(branch_chip(row.branch), class_name="hide-phone"),
        rx.el.td(pr_chip(row.pr_url), class_name="hide-phone"),
        rx.el.td(
            rx.cond(row.run_status, rx.el.span(row.run_status.to(str), class_name="mono"), _unknown()),
            doubt_hint(row.doubt),
            class_name="hide-phone",
        ),
        rx.el.td(rx.cond(row.observed_at, age(row.observed_at), _unknown()), class_name="end hide-phone"),
        rx.el.td(age(row.created_at), class_name="end"),
        key=row.id,
    )


def _unknown() -> rx.Component:
    return rx.el.span("–", title="Not known yet", class_name="faint")
