"""Which template a prompt is made from, and the form of its variables."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.state.template_choice import FIELD, Blank


def template_choice(state: Any, *, on_fill: Any = None) -> rx.Component:
    """The choice, and the blanks of the one that is chosen; not there while there is no template."""
    select = rx.el.select(
        rx.el.option("none", value=""),
        rx.foreach(state.templates, lambda one: rx.el.option(one[1], value=one[0])),
        id="template",
        name="template",
        value=state.template,
        on_change=state.choose_template,
    )
    fill = rx.el.button("Fill in the prompt", type="button", class_name="button", on_click=on_fill) if on_fill else None
    return rx.cond(
        state.templates.length() > 0,
        rx.el.div(
            rx.el.div(rx.el.label("Template", html_for="template"), select, class_name="field"),
            rx.cond(
                state.template != "",
                rx.el.fieldset(
                    rx.el.legend("What goes into it"),
                    rx.cond(state.template_note != "", rx.el.p(state.template_note, class_name="hint")),
                    rx.foreach(state.blanks, _blank),
                    *([rx.el.div(fill, class_name="actions")] if fill else []),
                    class_name="form card",
                    key=state.template,
                ),
            ),
            class_name="form",
        ),
    )


def _blank(blank: rx.Var[Blank]) -> rx.Component:
    name = FIELD + blank.name
    choices = rx.el.select(
        rx.cond(blank.default == "", rx.el.option("", value="")),
        rx.foreach(blank.choices, lambda one: rx.el.option(one, value=one)),
        id=name,
        name=name,
        default_value=blank.default,
    )
    text = rx.cond(
        blank.is_long,
        rx.el.textarea(id=name, name=name, rows=3, default_value=blank.default),
        rx.el.input(id=name, name=name, default_value=blank.default, auto_complete="off"),
    )
    return rx.el.div(
        rx.el.label(blank.label, html_for=name),
        rx.cond(blank.choices.length() > 0, choices, text),
        rx.cond(blank.error != "", rx.el.p(blank.error, class_name="field-error", role="alert")),
        class_name="field",
        key=blank.name,
    )
