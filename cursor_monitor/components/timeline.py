"""The timeline of an orchestration: filters in the address, events newest first, each with its raw payload."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.status_badge import status_icon
from cursor_monitor.components.table import filter_bar, filter_choice
from cursor_monitor.components.time import age
from cursor_monitor.domain.events import EVENT_TYPES
from cursor_monitor.domain.status import Level
from cursor_monitor.state.orchestration import OrchestrationState
from cursor_monitor.state.timeline import EventView
from cursor_monitor.state.timeline import TimelineState as State

_LEVELS = [("", "All levels"), *[(level.value, level.value.capitalize()) for level in Level]]
_TYPES = [("", "All types"), *[(name, name) for name in sorted(EVENT_TYPES)]]


def timeline() -> rx.Component:
    """The events under their filters."""
    return rx.fragment(
        _filters(),
        problem(State.page_error),
        loaded(
            State.is_loaded,
            State.events.length() == 0,
            empty("Nothing matches", "No event has what these filters ask for."),
            rx.el.ol(rx.foreach(State.events, _event), class_name="timeline", aria_label="Events"),
        ),
        rx.cond(
            State.has_older,
            rx.el.div(
                rx.el.button("Load older", type="button", class_name="button", on_click=State.load_older),
                class_name="pager",
            ),
        ),
        rx.cond(
            State.beyond > 0,
            rx.el.div(
                rx.el.button("What was before", type="button", class_name="button", on_click=State.go_beyond),
                class_name="pager",
            ),
        ),
    )


def _filters() -> rx.Component:
    return filter_bar(
        State.is_filtered,
        State.clear_filters,
        filter_choice("Level", State.filters["level"], _LEVELS, lambda value: State.set_filter("level", value)),
        filter_choice("Type", State.filters["type"], _TYPES, lambda value: State.set_filter("type", value)),
        rx.el.select(
            rx.el.option("All tasks", value=""),
            rx.foreach(OrchestrationState.tasks, lambda task: rx.el.option(task.key, value=task.key)),
            value=State.filters["task"],
            on_change=lambda value: State.set_filter("task", value),
            aria_label="Task",
        ),
        after=[rx.el.span(OrchestrationState.detail.last_seq, " events, newest first", class_name="faint num")],
    )


def _event(event: rx.Var[EventView]) -> rx.Component:
    return rx.el.li(
        status_icon(event.level),
        rx.el.span("#", event.seq, class_name="seq num"),
        rx.el.div(
            rx.el.span(event.message),
            rx.el.details(
                rx.el.summary(event.type, class_name="mono", on_click=State.open_event(event.seq)),
                rx.el.pre(State.payloads[event.seq], tab_index=0),
            ),
            class_name="message",
        ),
        rx.el.span(age(event.created_at), class_name="when"),
        key=event.seq,
    )
