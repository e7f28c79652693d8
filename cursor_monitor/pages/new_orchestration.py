"""The form of a new orchestration."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.account_choice import account_choice
from cursor_monitor.components.drafts import draft_key, draft_note, kept
from cursor_monitor.components.feedback import problem
from cursor_monitor.components.form import field, switch, text_area, text_input
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.place_choice import branch_input, place_lists, repository_input
from cursor_monitor.components.plan_preview import plan_preview
from cursor_monitor.components.template_choice import template_choice
from cursor_monitor.domain.status import Mode
from cursor_monitor.state.new_orchestration import NewOrchestrationState as State
from cursor_monitor.state.new_orchestration import TaskDraft

_QUIET_MS = 400  # without typing, before the plan is looked at anew
_MODES = (
    (Mode.BATCH, "Batch", "Independent tasks, side by side."),
    (Mode.PIPELINE, "Pipeline", "One after another, each on the branch of the one before."),
    (Mode.AUTO, "Auto", "Split by the prompt's own lists and headings, or by a planner agent."),
    (Mode.SINGLE_AGENT, "Single agent", "One agent does it all."),
)


@page(
    routes.NEW_ORCHESTRATION,
    title="New orchestration",
    active=routes.ORCHESTRATIONS,
    crumbs=(("Orchestrations", routes.ORCHESTRATIONS), ("New", routes.NEW_ORCHESTRATION)),
    on_load=[State.open],
)
def new_orchestration() -> rx.Component:
    """Where, what, how, within which limits."""
    return rx.fragment(
        header("New orchestration", rx.el.span("Nothing starts before you press Launch.")),
        rx.el.form(
            draft_key(),
            draft_note(),
            problem(State.message),
            _where(),
            template_choice(State, on_fill=State.fill),
            field(
                "What is to be done",
                text_area(
                    "prompt",
                    rows=5,
                    placeholder="The goal, and what every agent should know. Headings and lists can be its tasks.",
                    aria_required="true",
                    on_change=State.touch.debounce(_QUIET_MS),
                ),
                name="prompt",
                errors=State.errors,
            ),
            _modes(),
            rx.cond(
                State.mode != Mode.SINGLE_AGENT.value,
                rx.fragment(_whose_tasks(), rx.cond(State.writes_tasks, _tasks())),
            ),
            plan_preview(State.plan, State.plan_problem, State.edit_plan),
            _options(),
            rx.el.div(
                rx.el.button(
                    rx.icon("rocket", size=15, aria_hidden="true"),
                    rx.cond(State.is_sending, "Launching…", "Launch"),
                    type="submit",
                    class_name="button primary",
                    disabled=State.is_sending,
                ),
                rx.link("Cancel", href=routes.ORCHESTRATIONS, underline="none", class_name="button"),
                class_name="actions",
            ),
            on_submit=State.submit,
            class_name="form with-plan",
            no_validate=True,
            custom_attrs=kept("new orchestration", State.opened),
        ),
    )


def _where() -> rx.Component:
    return rx.el.div(
        field(
            "Repository",
            repository_input(State, aria_required="true"),
            name="repository",
            errors=State.errors,
        ),
        field(
            "Base branch",
            branch_input(),
            name="ref",
            errors=State.errors,
        ),
        account_choice(State, State.errors, State.touch),
        place_lists(State),
        class_name="form-row",
    )


def _modes() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("How the work is split"),
        *[
            rx.el.label(
                rx.el.strong(
                    rx.el.input(
                        type="radio",
                        name="mode",
                        value=mode.value,
                        checked=State.mode == mode.value,
                        on_change=State.choose_mode(mode.value),
                    ),
                    word,
                ),
                rx.el.p(why),
                class_name="radio-card",
            )
            for mode, word, why in _MODES
        ],
        class_name="cards",
    )


def _whose_tasks() -> rx.Component:
    return rx.el.label(
        rx.el.input(type="checkbox", name="writes_tasks", checked=State.writes_tasks, on_change=State.write_tasks),
        rx.el.span("I write the tasks one by one (else the prompt says them)"),
        class_name="switch",
    )


def _tasks() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Tasks"),
        rx.foreach(State.tasks, _task),
        rx.el.div(
            rx.el.button(
                rx.icon("plus", size=14, aria_hidden="true"),
                "Add a task",
                type="button",
                class_name="button",
                on_click=State.add_task,
                custom_attrs={"data-draft-add": "task-#-prompt"},
            )
        ),
        rx.cond(State.errors.contains("tasks"), rx.el.p(State.errors["tasks"], class_name="field-error", role="alert")),
        class_name="section",
    )


def _task(draft: rx.Var[TaskDraft]) -> rx.Component:
    name = "task-" + draft.id.to(str)
    label = "Task " + draft.number.to(str)
    return rx.el.div(
        rx.el.header(
            rx.el.h3(label),
            rx.el.div(
                rx.el.button(
                    rx.icon("arrow-up", size=14, aria_hidden="true"),
                    type="button",
                    class_name="button small",
                    aria_label="Move up: " + label,
                    disabled=draft.number == 1,
                    on_click=State.move_up(draft.id),
                ),
                rx.el.button(
                    rx.icon("trash-2", size=14, aria_hidden="true"),
                    type="button",
                    class_name="button small",
                    aria_label="Remove: " + label,
                    disabled=State.tasks.length() == 1,
                    on_click=State.remove_task(draft.id),
                    custom_attrs={"data-draft-remove": "task-#-prompt"},
                ),
                class_name="actions",
            ),
        ),
        rx.el.input(
            name=name + "-title",
            placeholder="Title (optional)",
            aria_label="Title of " + label,
            max_length=200,
            default_value=draft.title,
            on_change=State.touch.debounce(_QUIET_MS),
        ),
        rx.el.textarea(
            name=name + "-prompt",
            rows=3,
            placeholder="What this agent should do",
            aria_label="Prompt of " + label,
            default_value=draft.prompt,
            on_change=State.touch.debounce(_QUIET_MS),
        ),
        rx.cond(
            State.mode == Mode.AUTO.value,
            rx.el.input(
                name=name + "-after",
                placeholder="Waits for task numbers, such as 1, 2",
                aria_label=label + " waits for",
                default_value=draft.after,
                on_change=State.touch.debounce(_QUIET_MS),
            ),
        ),
        rx.cond(draft.error != "", rx.el.p(draft.error, class_name="field-error", role="alert")),
        class_name="task-edit",
        key=draft.id,
    )


def _options() -> rx.Component:
    return rx.el.details(
        rx.el.summary("Model, limits and name"),
        rx.el.div(
            rx.el.div(
                field("Name", text_input("name", placeholder="from the prompt"), name="name", errors=State.errors),
                field("Model", _model(), name="model", errors=State.errors),
                class_name="form-row",
            ),
            rx.el.div(
                _limit("max_parallel_agents", "Agents at once", "1 to 50; default 3"),
                _limit("max_iterations", "Follow-ups per agent", "1 to 100; default 20"),
                _limit("quality_threshold", "Quality threshold", "0 to 100; default 70"),
                _limit("max_agents", "Agents in all", "no limit if empty"),
                _limit("timeout_hours", "Hours per run", "above 0, to 168; default 4"),
                class_name="form-row",
            ),
            rx.el.div(
                _limit("max_followups", "Follow-ups in all", "no limit if empty"),
                _limit("budget_cents", "US cents in all", "no limit if empty"),
                _limit("wall_hours", "Hours in all", "no limit if empty"),
                class_name="form-row",
            ),
            rx.el.div(
                _limit("best_of", "Candidates per task", "1 to 8; of several the best is kept; default 1"),
                field(
                    "Their models",
                    text_input(
                        "models",
                        placeholder="the one above",
                        aria_describedby="models-hint",
                        on_change=State.touch.debounce(_QUIET_MS),
                    ),
                    name="models",
                    hint="names with commas between them, taken in turn",
                    errors=State.errors,
                ),
                class_name="form-row",
            ),
            rx.el.div(
                _limit("max_attempts", "Agents after an error", "1 to 10 for each task; default 2"),
                _limit("max_nudges", "Nudges out of a circle", "0 to 10, before another agent; default 1"),
                _limit("priority", "Priority", "0 to 9, the higher the sooner; default 0"),
                class_name="form-row",
            ),
            rx.el.p("What is left as it is here is as the profile of the repository says.", class_name="hint"),
            switch("auto_create_pr", "Let agents open pull requests", checked=True),
            switch("reviewer", "Let a second agent review what passes"),
            switch("require_checks", "Accept work only once its checks have passed"),
            switch("require_approval", "Ask me before agents are launched"),
            switch("choose_by_hand", "Ask me which candidate is kept"),
            switch("stop_loops", "Stop agents that go in circles", checked=True),
            class_name="form",
        ),
    )


def _limit(name: str, label: str, hint: str) -> rx.Component:
    touched = State.touch.debounce(_QUIET_MS)
    control = text_input(name, input_mode="decimal", aria_describedby=f"{name}-hint", on_change=touched)
    return field(label, control, name=name, hint=hint, errors=State.errors)


def _model() -> rx.Component:
    return rx.cond(
        State.models.length() > 0,
        rx.el.select(
            rx.el.option("Cursor's default", value=""),
            rx.foreach(State.models, lambda model: rx.el.option(model.name, value=model.id)),
            id="model",
            name="model",
        ),
        text_input("model", placeholder="Cursor's default"),
    )
