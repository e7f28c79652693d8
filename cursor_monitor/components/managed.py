"""A page of things that people write and keep: what they are, a form above them when one is open, a card for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.feedback import loaded, problem
from cursor_monitor.components.layout import header


def managed(
    state: Any,
    title: str,
    why: str,
    *,
    new: str,
    form: rx.Component,
    nothing: rx.Component,
    card: Callable[..., rx.Component],
    label: str,
    allowed: Callable[..., rx.Component] = for_operators,
    above: rx.Component | None = None,
) -> rx.Component:
    """The whole page; `new` is what its first button says, `allowed` wraps what only some may do.

    The state has rows, chosen, done, notice, page_error, is_loaded and open_form.
    """
    return rx.fragment(
        header(title, rx.el.span(why), actions=[allowed(_add(state, new))]),
        rx.el.div(rx.cond(state.done != "", rx.el.p(state.done, class_name="hint")), role="status"),
        above or rx.fragment(),
        problem(state.page_error),
        problem(state.notice),
        rx.cond(state.chosen != "", allowed(form)),
        loaded(
            state.is_loaded,
            state.rows.length() == 0,
            rx.cond(state.chosen == "", nothing),
            rx.el.ul(rx.foreach(state.rows, card), class_name="section", aria_label=label),
        ),
    )


def _add(state: Any, word: str) -> rx.Component:
    return rx.el.button(
        rx.icon("plus", size=15, aria_hidden="true"),
        word,
        type="button",
        class_name="button primary",
        on_click=state.open_form("new"),
    )
