"""Prompt templates: the list of them, and the form of one."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.drafts import FORGET, draft_note, kept
from cursor_monitor.components.feedback import confirm, empty
from cursor_monitor.components.form import field, text_area, text_input
from cursor_monitor.components.layout import page
from cursor_monitor.components.managed import managed
from cursor_monitor.components.time import age
from cursor_monitor.state.templates import BlankDraft, TemplateLine
from cursor_monitor.state.templates import TemplatesState as State

_QUIET_MS = 400


@page(routes.TEMPLATES, title="Templates", active=routes.TEMPLATES, on_load=[State.watch])
def templates() -> rx.Component:
    """The templates, and the form above them."""
    return managed(
        State,
        "Templates",
        "Prompts to be used again. What differs each time is a {{variable}}, which becomes a form.",
        new="New template",
        form=_form(),
        nothing=_nothing(),
        card=_template,
        label="Templates",
    )


def _nothing() -> rx.Component:
    return empty(
        "No template yet",
        "A template is a prompt your team uses again and again, such as: Upgrade {{library}} to {{version}}.",
    )


def _template(row: rx.Var[TemplateLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.h2(row.name, class_name="cut"),
            rx.el.span("changed ", age(row.updated_at), " by ", row.changed_by, class_name="hint"),
            rx.el.div(
                rx.link(
                    "Use it",
                    href=routes.NEW_ORCHESTRATION + "?template=" + row.id,
                    underline="none",
                    class_name="button small",
                    aria_label="Use " + row.name,
                ),
                for_operators(
                    rx.el.button(
                        "Edit",
                        type="button",
                        class_name="button small",
                        aria_label="Edit " + row.name,
                        on_click=State.open_form(row.id),
                    ),
                    confirm(
                        rx.el.button(
                            "Delete", type="button", class_name="button small", aria_label="Delete " + row.name
                        ),
                        "Delete this template?",
                        "What was launched from it stays. A schedule that uses it fires no more.",
                        "Delete it",
                        State.delete(row.id),
                    ),
                ),
                class_name="actions",
            ),
            class_name="task-top",
        ),
        rx.cond(row.description != "", rx.el.p(row.description)),
        rx.el.pre(row.prompt, class_name="text", tab_index=0, aria_label="Prompt of " + row.name),
        rx.cond(
            row.blanks.length() > 0,
            rx.el.p("Asks for ", rx.foreach(row.blanks, lambda one: rx.el.span(one, class_name="chip"))),
            rx.el.p("Asks for nothing.", class_name="hint"),
        ),
        class_name="card",
        key=row.id,
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.h2(rx.cond(State.chosen == "new", "New template", "Edit the template")),
        draft_note(),
        rx.el.div(
            _text("name", "Name", "Such as: upgrade a library."),
            _text("description", "What it is for", "For those who choose it."),
            class_name="form-row",
        ),
        field(
            "Prompt",
            text_area(
                "prompt",
                rows=8,
                default_value=State.begins["prompt"],
                aria_describedby="prompt-hint",
                on_change=State.look.debounce(_QUIET_MS),
            ),
            name="prompt",
            hint="{{component}} is a variable: small letters, digits and _. Write \\{{ where two braces are meant.",
            errors=State.errors,
        ),
        rx.cond(
            State.blanks.length() > 0,
            rx.el.fieldset(
                rx.el.legend("Variables"),
                rx.foreach(State.blanks, _blank),
                class_name="form",
            ),
        ),
        rx.el.div(
            rx.el.button(
                rx.cond(State.is_sending, "Saving…", "Save"),
                type="submit",
                class_name="button primary",
                disabled=State.is_sending,
            ),
            rx.el.button(
                "Cancel", type="button", class_name="button", on_click=State.open_form(""), custom_attrs=FORGET
            ),
            class_name="actions",
        ),
        on_submit=State.submit,
        class_name="form card",
        no_validate=True,
        key=State.chosen,
        custom_attrs=kept(rx.Var.create("template ") + State.chosen, State.chosen),
    )


def _blank(draft: rx.Var[BlankDraft]) -> rx.Component:
    return rx.el.div(
        rx.el.h3(draft.name, class_name="mono"),
        _part(draft, "label", "Label", draft.label),
        _part(draft, "default", "Usual value", draft.default),
        _part(draft, "choices", "Choices, by commas", draft.choices),
        rx.el.label(
            rx.el.input(type="checkbox", name=draft.name + "-long", default_checked=draft.is_long),
            rx.el.span("Several lines"),
            class_name="switch",
        ),
        class_name="form-row",
        key=draft.name,
    )


def _part(draft: rx.Var[BlankDraft], part: str, word: str, begins: rx.Var[str]) -> rx.Component:
    name = draft.name + f"-{part}"
    return rx.el.div(
        rx.el.label(word, rx.el.span(" of ", draft.name, class_name="visually-hidden"), html_for=name),
        rx.el.input(id=name, name=name, default_value=begins, auto_complete="off"),
        class_name="field",
    )


def _text(name: str, label: str, hint: str) -> rx.Component:
    control = text_input(name, default_value=State.begins[name], aria_describedby=f"{name}-hint")
    return field(label, control, name=name, hint=hint, errors=State.errors)
