"""Fields of forms: a label, a control, a hint, and the error of just that field."""

from __future__ import annotations

from typing import Any

import reflex as rx


def field(
    label: str, control: rx.Component, *, name: str, hint: Any = "", errors: rx.Var[dict[str, str]] | None = None
) -> rx.Component:
    """One labelled control; `errors` holds a message under the field's name where it was refused."""
    children: list[rx.Component] = [rx.el.label(label, html_for=name), control]
    if isinstance(hint, rx.Var) or hint:
        children.append(rx.el.p(hint, class_name="hint", id=f"{name}-hint"))
    if errors is not None:
        children.append(
            rx.cond(
                errors.contains(name),
                rx.el.p(errors[name], class_name="field-error", role="alert", id=f"{name}-error"),
            )
        )
    return rx.el.div(*children, class_name="field")


def text_input(name: str, **props: Any) -> rx.Component:
    """A line of text, not held in state while it is typed."""
    return rx.el.input(id=name, name=name, type=props.pop("type", "text"), auto_complete="off", **props)


def text_area(name: str, **props: Any) -> rx.Component:
    """Many lines of text."""
    return rx.el.textarea(id=name, name=name, **props)


def choice(name: str, options: list[tuple[str, str]], **props: Any) -> rx.Component:
    """One of a few, each a value and its word."""
    return rx.el.select(*[rx.el.option(word, value=value) for value, word in options], id=name, name=name, **props)


def switch(name: str, label: str, *, checked: bool = False) -> rx.Component:
    """On or off."""
    return rx.el.label(
        rx.el.input(type="checkbox", id=name, name=name, default_checked=checked),
        rx.el.span(label),
        class_name="switch",
    )
