"""The form of a single agent, outside any orchestration."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.account_choice import account_choice
from cursor_monitor.components.drafts import draft_key, draft_note, kept
from cursor_monitor.components.feedback import problem
from cursor_monitor.components.form import field, switch, text_area, text_input
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.model_choice import model_choice
from cursor_monitor.components.pictures import pictures
from cursor_monitor.components.place_choice import branch_input, place_lists, repository_input
from cursor_monitor.state.new_agent import NewAgentState as State
from cursor_monitor.state.new_agent import RepositoryDraft

_MODES = (
    ("agent", "Do it", "It works until it is done."),
    ("plan", "Plan first", "It answers with a plan and changes nothing; a follow-up lets it go ahead."),
)


@page(
    routes.NEW_AGENT,
    title="Launch agent",
    active=routes.AGENTS,
    crumbs=(("Agents", routes.AGENTS), ("Launch", routes.NEW_AGENT)),
    on_load=[State.open],
)
def new_agent() -> rx.Component:
    """What, where, how."""
    return rx.fragment(
        header("Launch agent", rx.el.span("One agent, by itself. Nothing starts before you press Launch.")),
        rx.el.form(
            draft_key(),
            draft_note(),
            problem(State.message),
            field(
                "What it should do",
                text_area("prompt", rows=7, placeholder="The task, with all the agent should know.", auto_focus=True),
                name="prompt",
                errors=State.errors,
            ),
            pictures("images", State.errors),
            _where(),
            _modes(),
            rx.el.div(model_choice(State, State.errors), account_choice(State, State.errors), class_name="form-row"),
            _options(),
            rx.el.div(
                rx.el.button(
                    rx.icon("rocket", size=15, aria_hidden="true"),
                    rx.cond(State.is_sending, "Launching…", "Launch"),
                    type="submit",
                    class_name="button primary",
                    disabled=State.is_sending,
                ),
                rx.link("Cancel", href=routes.AGENTS, underline="none", class_name="button"),
                class_name="actions",
            ),
            on_submit=State.submit,
            class_name="form",
            no_validate=True,
            custom_attrs=kept("new agent", State.opened),
        ),
    )


def _where() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("Where"),
        rx.el.div(
            field("Repository", repository_input(State), name="repository", errors=State.errors),
            rx.cond(
                State.from_pull,
                field(
                    "Pull request",
                    text_input("pr_url", placeholder="https://github.com/owner/repo/pull/5"),
                    name="pr_url",
                    errors=State.errors,
                ),
                field(
                    "Base branch",
                    branch_input(),
                    name="ref",
                    errors=State.errors,
                ),
            ),
            class_name="form-row",
        ),
        place_lists(State),
        rx.el.div(_start("branch", "from a branch"), _start("pull", "from a pull request"), class_name="actions"),
        rx.foreach(State.more, _other),
        rx.el.div(
            rx.el.button(
                rx.icon("plus", size=14, aria_hidden="true"),
                "Add a repository",
                type="button",
                class_name="button",
                on_click=State.add_repository,
                custom_attrs={"data-draft-add": "repository-#-repository"},
            )
        ),
        class_name="plain section",
    )


def _start(value: str, word: str) -> rx.Component:
    is_chosen = State.from_pull if value == "pull" else ~State.from_pull
    radio = rx.el.input(type="radio", name="start", value=value, checked=is_chosen, on_change=State.start_from(value))
    return rx.el.label(radio, rx.el.span(word), class_name="switch")


def _other(draft: rx.Var[RepositoryDraft]) -> rx.Component:
    name = "repository-" + draft.id.to(str)
    return rx.el.div(
        rx.el.div(
            rx.el.input(
                name=name + "-repository",
                placeholder="owner/repo",
                aria_label="Further repository",
                custom_attrs={"list": "repositories"},
            ),
            rx.el.input(name=name + "-ref", placeholder="its default branch", aria_label="Its base branch"),
            rx.el.button(
                rx.icon("trash-2", size=14, aria_hidden="true"),
                type="button",
                class_name="button small",
                aria_label="Remove this repository",
                on_click=State.remove_repository(draft.id),
                custom_attrs={"data-draft-remove": "repository-#-repository"},
            ),
            class_name="other-repository",
        ),
        rx.cond(draft.error != "", rx.el.p(draft.error, class_name="field-error", role="alert")),
        key=draft.id,
    )


def _modes() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend("How"),
        *[
            rx.el.label(
                rx.el.strong(
                    rx.el.input(
                        type="radio",
                        name="mode",
                        value=mode,
                        checked=State.mode == mode,
                        on_change=State.choose_mode(mode),
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


def _options() -> rx.Component:
    return rx.el.details(
        rx.el.summary("Name, branch and pull request"),
        rx.el.div(
            field("Name", text_input("name", placeholder="from the prompt"), name="name", errors=State.errors),
            switch("auto_create_pr", "Let it open a pull request"),
            switch("skip_reviewer_request", "Ask nobody to review the pull request"),
            rx.cond(
                State.errors.contains("skip_reviewer_request"),
                rx.el.p(State.errors["skip_reviewer_request"], class_name="field-error", role="alert"),
            ),
            switch("work_on_current_branch", "Push to the branch it starts from, instead of a new one"),
            class_name="form",
        ),
    )
