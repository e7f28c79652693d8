"""The form that edits a plan while it waits for approval."""

from __future__ import annotations

import reflex as rx

from cursor_monitor.components.drafts import FORGET, draft_note, kept
from cursor_monitor.components.feedback import problem
from cursor_monitor.state.orchestration import OrchestrationState
from cursor_monitor.state.plan_edit import EditDraft
from cursor_monitor.state.plan_edit import PlanEditState as State


def plan_editor() -> rx.Component:
    """Opened by its button; saved as a whole or not at all."""
    return rx.cond(
        State.is_open,
        rx.el.form(
            draft_note(),
            problem(State.notice),
            rx.foreach(State.drafts, _draft),
            rx.el.div(
                rx.el.button(
                    "Add a task",
                    type="button",
                    class_name="button",
                    on_click=State.add,
                    custom_attrs={"data-draft-add": "edit-#-prompt"},
                ),
                rx.el.button("Save the plan", type="submit", class_name="button primary"),
                rx.el.button(
                    "Keep the old one",
                    type="button",
                    class_name="button",
                    on_click=State.close,
                    custom_attrs=FORGET,
                ),
                class_name="actions",
            ),
            on_submit=State.save,
            class_name="form",
            no_validate=True,
            aria_label="Edit the plan",
            custom_attrs={**kept(rx.Var.create("plan ") + OrchestrationState.detail.id), "data-draft-rows": "number"},
        ),
        rx.el.div(
            rx.el.button(
                rx.icon("pencil", size=14, aria_hidden="true"),
                "Edit the plan",
                type="button",
                class_name="button",
                on_click=State.open,
            ),
            problem(State.notice),
        ),
    )


def _draft(draft: rx.Var[EditDraft]) -> rx.Component:
    name = "edit-" + draft.number.to(str)
    label = "task " + draft.number.to(str)
    return rx.el.div(
        rx.el.header(
            rx.el.h3(draft.number, ". ", draft.key),
            rx.el.div(
                rx.el.button(
                    rx.icon("trash-2", size=14, aria_hidden="true"),
                    type="button",
                    class_name="button small",
                    aria_label="Remove " + label,
                    disabled=State.drafts.length() == 1,
                    on_click=State.remove(draft.id),
                ),
                class_name="actions",
            ),
        ),
        _line(name + "-title", "Title of " + label, draft.title, "Title (optional)"),
        rx.el.textarea(name=name + "-prompt", rows=4, default_value=draft.prompt, aria_label="Prompt of " + label),
        rx.el.div(
            _line(name + "-after", "What " + label + " waits for", draft.after, "Waits for numbers, such as 1, 2"),
            _line(name + "-model", "Model of " + label, draft.model, "Model (the orchestration's)"),
            _line(name + "-best_of", "Candidates of " + label, draft.best_of, "Candidates (the orchestration's)"),
            _line(name + "-models", "Models of the candidates of " + label, draft.models, "Their models, with commas"),
            _line(name + "-ref", "Base of " + label, draft.ref, "Base branch (its dependency's)"),
            class_name="form-row",
        ),
        rx.cond(draft.error != "", rx.el.p(draft.error, class_name="field-error", role="alert")),
        class_name="task-edit",
        key=draft.id,
    )


def _line(name: rx.Var[str], label: rx.Var[str], value: rx.Var[str], placeholder: str) -> rx.Component:
    return rx.el.input(name=name, aria_label=label, default_value=value, placeholder=placeholder, auto_complete="off")
