"""A model and its parameters to choose."""

from __future__ import annotations

from typing import Any

import reflex as rx

from cursor_monitor.components.form import field, text_input
from cursor_monitor.queries.catalogue import ModelRow, ParameterRow, ValueRow


def model_choice(state: Any, errors: rx.Var[dict[str, str]] | None = None) -> rx.Component:
    """The models that Cursor offers, and what can be set about the chosen one; free text until they are known."""
    known = rx.el.select(
        rx.el.option("Cursor's default", value=""),
        rx.foreach(state.models, _option),
        id="model",
        name="model",
        value=state.model,
        on_change=state.choose_model,
    )
    control = rx.cond(state.models.length() > 0, known, text_input("model", placeholder="Cursor's default"))
    return rx.fragment(field("Model", control, name="model", errors=errors), rx.foreach(state.parameters, _parameter))


def _option(model: rx.Var[ModelRow]) -> rx.Component:
    return rx.el.option(model.name, value=model.id)


def _parameter(parameter: rx.Var[ParameterRow]) -> rx.Component:
    return rx.el.div(
        rx.el.label(parameter.name, html_for="param-" + parameter.id),
        rx.el.select(
            rx.el.option("as usual", value=""),
            rx.foreach(parameter.choices, _value),
            id="param-" + parameter.id,
            name="param-" + parameter.id,
        ),
        class_name="field",
        key=parameter.id,
    )


def _value(value: rx.Var[ValueRow]) -> rx.Component:
    return rx.el.option(value.name, value=value.value)
