"""The fleet: all agents, looked through and acted on."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.fleet_bulk import fleet_bulk
from cursor_monitor.components.fleet_filters import fleet_filters
from cursor_monitor.components.fleet_table import fleet_groups, fleet_table
from cursor_monitor.components.layout import header, page
from cursor_monitor.state.agents import AgentsState as State
from cursor_monitor.state.fleet_views import FleetViewsState


@page(routes.AGENTS, title="Agents", active=routes.AGENTS, on_load=[State.watch, FleetViewsState.watch])
def agents() -> rx.Component:
    """The list under its filters."""
    return rx.fragment(
        header(
            "Agents",
            rx.cond(State.is_loaded, rx.el.span(State.count, rx.cond(State.count == 1, " agent", " agents"))),
            actions=[_export(), for_operators(_launch())],
        ),
        fleet_filters(),
        problem(State.page_error),
        fleet_bulk(),
        loaded(
            State.is_loaded,
            State.count == 0,
            _nothing(),
            rx.cond(State.groups.length() > 0, fleet_groups(), fleet_table()),
        ),
    )


def _launch() -> rx.Component:
    return rx.link("Launch agent", href=routes.NEW_AGENT, underline="none", class_name="button primary")


def _export() -> rx.Component:
    return rx.el.a("CSV", href=State.export_href, download=True, class_name="button", title="The same list as CSV")


def _nothing() -> rx.Component:
    return rx.cond(
        State.is_narrowed,
        empty("Nothing matches", "No agent has what these filters ask for."),
        empty("No agent yet", "Agents appear here once they are launched, here or elsewhere.", _launch()),
    )
