"""The state of an orchestration as of any of its events: a slider, a link to each moment, one click back to now."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.time import age
from cursor_monitor.state.orchestration import OrchestrationState as State


def moment() -> rx.Var[str]:
    """What an address needs to stay at the moment that is shown."""
    return rx.cond(State.at > 0, f"&at={State.at}", "").to(str)


def time_travel() -> rx.Component:
    """The slider over all events, and what it shows."""
    shown = rx.cond(State.at > 0, State.at, State.newest_seq)
    return rx.cond(
        State.newest_seq > 1,
        rx.el.div(
            rx.icon("history", size=14, aria_hidden="true"),
            rx.debounce_input(
                rx.el.input(
                    type="range",
                    min=1,
                    max=State.newest_seq,
                    value=shown,
                    on_change=State.travel,
                    aria_label="As of event",
                    custom_attrs={"aria-valuetext": rx.cond(State.at > 0, f"event {State.at}", "now")},
                ),
                debounce_timeout=150,
            ),
            rx.cond(State.at > 0, _past(), rx.el.span("now", class_name="faint")),
            class_name=rx.cond(State.at > 0, "travel tone-person", "travel"),
        ),
    )


def _past() -> rx.Component:
    return rx.fragment(
        rx.el.span("as of event ", State.at, " of ", State.newest_seq, ", ", age(State.at_time), class_name="num"),
        rx.link(
            "Back to now",
            href=f"{routes.ORCHESTRATIONS}/{State.detail.id}?tab={State.tab}",
            underline="none",
            class_name="button small",
        ),
    )
