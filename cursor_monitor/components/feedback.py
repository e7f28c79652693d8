"""What a page says when it has nothing, waits, failed, or asks once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx


def empty(title: str, why: str, action: rx.Component | None = None) -> rx.Component:
    """What would be here, why it is not, and one thing to do about it."""
    return rx.el.div(
        rx.el.h2(title),
        rx.el.p(why),
        action or rx.fragment(),
        class_name="empty",
    )


def skeleton(rows: int = 6) -> rx.Component:
    """The shape of a list that is on its way; shown after a moment only."""
    lines = [rx.el.div(class_name="bone") for _ in range(rows)]
    return rx.el.div(*lines, class_name="skeleton", aria_busy="true", role="status", aria_label="Loading")


def problem(message: rx.Var[str], *children: rx.Component) -> rx.Component:
    """What went wrong, in words; nothing while all is well."""
    return rx.cond(
        message != "",
        rx.el.div(
            rx.icon("circle-alert", size=16, aria_hidden="true"),
            rx.el.div(rx.el.p(message), *children),
            role="alert",
            class_name="problem",
        ),
    )


def gone(title: str, why: str, href: str, back: str) -> rx.Component:
    """A page for an address behind which there is nothing."""
    return empty(title, why, rx.el.a(back, href=href, class_name="button"))


def loaded(
    is_loaded: rx.Var[bool], is_empty: rx.Var[bool], nothing: rx.Component, something: rx.Component
) -> rx.Component:
    """A skeleton, the empty state, or the thing itself."""
    return rx.cond(is_loaded, rx.cond(is_empty, nothing, something), skeleton())


def confirm(trigger: rx.Component, title: str, text: str, action: str, on_confirm: Any) -> rx.Component:
    """A dialog before what cannot be undone."""
    return rx.alert_dialog.root(
        rx.alert_dialog.trigger(trigger),
        rx.alert_dialog.content(
            rx.alert_dialog.title(title),
            rx.alert_dialog.description(text),
            rx.el.div(
                rx.alert_dialog.cancel(rx.el.button("Keep it", type="button", class_name="button")),
                rx.alert_dialog.action(
                    rx.el.button(action, type="button", class_name="button danger", on_click=on_confirm)
                ),
                class_name="actions end",
            ),
            max_width="420px",
        ),
    )


def metric(label: Any, value: Any, href: str, tone: Any = "", size: str = "") -> rx.Component:
    """One number, big unless `small`, that leads to the list behind it."""
    return rx.link(
        rx.el.span(value, class_name=f"metric-value num {size}"),
        rx.el.span(label, class_name="metric-label"),
        href=href,
        underline="none",
        class_name=rx.cond(tone != "", f"metric tone-{tone}", "metric"),
    )


def facts(rows: Sequence[tuple[str, Any]]) -> rx.Component:
    """A rail of labelled facts."""
    pairs = [child for label, value in rows for child in (rx.el.dt(label), rx.el.dd(value))]
    return rx.el.dl(*pairs, class_name="facts")
