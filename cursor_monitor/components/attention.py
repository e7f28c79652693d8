"""The bell with what waits for a person; assets/attention.js puts the count into the title and the tab's icon."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.time import age
from cursor_monitor.state.attention import AttentionState as State
from cursor_monitor.state.attention import Need


def bell() -> rx.Component:
    """The button with the count, and the list it opens."""
    has_any = State.needs.length() > 0
    return rx.fragment(
        rx.el.button(
            rx.icon("bell", size=16, aria_hidden="true"),
            rx.cond(has_any, rx.el.span(State.count, class_name="bell-count num", aria_hidden="true")),
            type="button",
            class_name="icon-button bell",
            aria_label=State.count.to(str) + " need you",
            custom_attrs={
                "popoverTarget": "needs",
                "data-attention": State.count,
                "data-running": State.running.to(str),
                "data-new": rx.cond(State.has_new, "true", "false"),
            },
        ),
        rx.el.section(
            rx.el.div(
                rx.el.h2("Needs you"),
                rx.link("On the board", href=f"{routes.OVERVIEW}?column=needs"),
                class_name="section-head",
            ),
            rx.cond(
                has_any,
                rx.el.ol(rx.foreach(State.needs, _need), aria_label="Needs you"),
                rx.el.p("Nothing waits for you.", class_name="faint"),
            ),
            rx.el.label(
                rx.el.input(type="checkbox", custom_attrs={"data-tell": "true"}),
                rx.el.span("Tell me in this browser when something new needs me"),
                class_name="switch",
            ),
            rx.el.p(class_name="hint", role="status", custom_attrs={"data-told": "true"}),
            # Pressed by assets/attention.js once the list was looked at.
            rx.el.button(type="button", hidden=True, on_click=State.see, custom_attrs={"data-see": "true"}),
            id="needs",
            aria_label="What needs you",
            class_name="popover",
            custom_attrs={"popover": "auto"},
        ),
    )


def _need(need: rx.Var[Need]) -> rx.Component:
    return rx.el.li(
        rx.link(need.name, href=need.href, underline="none", class_name="name-link", title=need.name),
        rx.el.p(need.why, class_name="why"),
        rx.el.span(age(need.since), class_name="faint"),
        class_name=f"need tone-{need.tone}",
        custom_attrs={"data-need": need.mark, "data-new": rx.cond(need.is_new, "true", "false")},
        key=need.mark,
    )
