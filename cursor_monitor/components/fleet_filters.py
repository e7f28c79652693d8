"""What narrows the list of agents, each a part of the address."""

from __future__ import annotations

from collections.abc import Sequence

import reflex as rx

from cursor_monitor.components.account_choice import account_filter
from cursor_monitor.components.fleet_table import COLUMNS
from cursor_monitor.components.fleet_views import fleet_views
from cursor_monitor.components.table import filter_bar, filter_choice, search_box
from cursor_monitor.domain.fleet import GROUPS, ORIGINS, STATES
from cursor_monitor.state.agents import AgentsState as State

_STATES = [("", "All states"), *[(state, state.capitalize()) for state in STATES]]
_ORIGINS = [("", "All origins"), *[(origin, origin.capitalize()) for origin in ORIGINS]]
_SHELVES = [("", "At hand"), ("archived", "Archived"), ("deleted", "Deleted"), ("all", "All of these")]
_PINNED = [("", "Pinned or not"), ("yes", "Pinned")]
_GROUPS = [("", "No groups"), *[(group, f"By {group}") for group in GROUPS]]


def fleet_filters() -> rx.Component:
    """One row of filters, and the choice of columns."""
    return filter_bar(
        State.is_narrowed,
        State.clear_filters,
        search_box("Search words of name, prompt, branch", State.q, State.set_q),
        _choice("State", "status", _STATES),
        _list("Repository", "repository", State.repositories, "All repositories"),
        _list("Tag", "tag", State.tags, "All tags"),
        account_filter(State),
        _choice("Origin", "origin", _ORIGINS),
        _choice("Where it is", "shelf", _SHELVES),
        _choice("Pinned", "pinned", _PINNED),
        _choice("Groups", "group", _GROUPS),
        after=[_columns(), fleet_views()],
    )


def _choice(label: str, name: str, options: Sequence[tuple[str, str]]) -> rx.Component:
    return filter_choice(label, State.filters[name], options, lambda value: State.set_filter(name, value))


def _list(label: str, name: str, values: rx.Var[list[str]], everything: str) -> rx.Component:
    """A choice among what there is; a value of the address that is not among it stays to be seen."""
    now = State.filters[name]
    return rx.cond(
        (values.length() > 0) | (now != ""),
        rx.el.select(
            rx.el.option(everything, value=""),
            rx.cond((now != "") & ~values.contains(now), rx.el.option(now, value=now)),
            rx.foreach(values, lambda value: rx.el.option(value, value=value)),
            value=now,
            on_change=lambda value: State.set_filter(name, value),
            aria_label=label,
        ),
    )


def _columns() -> rx.Component:
    return rx.el.details(
        rx.el.summary("Columns"),
        rx.el.div(
            *[
                rx.el.label(
                    rx.el.input(
                        type="checkbox",
                        checked=State.shown.contains(column.name),
                        on_change=State.toggle_column(column.name),
                    ),
                    column.word,
                    class_name="switch",
                )
                for column in COLUMNS
            ],
            class_name="menu",
        ),
        class_name="columns-menu",
    )
