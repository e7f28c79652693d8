"""The saved views of the fleet: a menu of links, and the way to save what is shown."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.feedback import problem
from cursor_monitor.domain.views import NAME_LIMIT
from cursor_monitor.queries.views import ViewRow
from cursor_monitor.state.agents import AgentsState
from cursor_monitor.state.fleet_views import FleetViewsState as State


def fleet_views() -> rx.Component:
    """The menu."""
    return rx.el.details(
        rx.el.summary("Views"),
        rx.el.div(
            rx.cond(
                State.views.length() > 0,
                rx.el.ul(rx.foreach(State.views, _view), aria_label="Saved views"),
                rx.el.p("A view keeps filters, order, groups and columns under a name.", class_name="hint"),
            ),
            _save(),
            class_name="menu views",
        ),
        class_name="columns-menu",
    )


def _view(view: rx.Var[ViewRow]) -> rx.Component:
    return rx.el.li(
        rx.link(
            view.name,
            href=f"{routes.AGENTS}?{view.query}",
            underline="none",
            class_name="name-link cut",
            title=rx.cond(view.shared, "For everybody, by ", "Saved by ") + view.created_by,
            custom_attrs={"aria-current": rx.cond(view.query == AgentsState.here, "page", "false")},
        ),
        rx.el.button(
            rx.icon("trash-2", size=13, aria_hidden="true"),
            type="button",
            class_name="button small",
            aria_label="Delete the view " + view.name.to(str),
            on_click=State.remove(view.id),
        ),
        key=view.id,
    )


def _save() -> rx.Component:
    return rx.el.form(
        problem(State.notice),
        rx.el.label("Save this list as", html_for="view_name"),
        rx.el.div(
            rx.el.input(id="view_name", name="view_name", max_length=NAME_LIMIT, required=True, auto_complete="off"),
            rx.el.button("Save", type="submit", class_name="button small"),
            class_name="actions",
        ),
        key=State.saved.to(str),
        on_submit=State.save,
    )
