"""Repository profiles: the list of them, and the form of one."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.drafts import FORGET, draft_note, kept
from cursor_monitor.components.feedback import confirm, empty
from cursor_monitor.components.form import choice, field, text_area, text_input
from cursor_monitor.components.layout import page
from cursor_monitor.components.managed import managed
from cursor_monitor.components.time import age
from cursor_monitor.state.profiles import ProfileLine, RuleLine
from cursor_monitor.state.profiles import ProfilesState as State

_LISTS = (
    ("base_branches", "Branches to start from", "One a line, * stands for any text. Empty: from any."),
    ("protected_branches", "Branches nobody pushes to", "One a line, such as main or release/*."),
    ("protected_paths", "Paths nobody changes", "One a line: a file, a folder or a pattern."),
    ("required_checks", "Checks that must have passed", "One a line, by their names at the code host."),
)
_NUMBERS = (
    ("max_parallel_agents", "Agents at once, of one orchestration"),
    ("max_iterations", "Follow-ups per agent"),
    ("max_agents", "Agents in all"),
    ("quality_threshold", "Quality threshold"),
    ("budget_cents", "US cents in all"),
)
_SWITCHES = (
    ("auto_create_pr", "Open pull requests"),
    ("reviewer", "Have a second agent review"),
    ("require_checks", "Wait for passed checks"),
    ("require_approval", "Ask before launching"),
)
_UNSAID = [("", "as usual"), ("yes", "yes"), ("no", "no")]


@page(routes.PROFILES, title="Repository profiles", active=routes.PROFILES, on_load=[State.watch])
def profiles() -> rx.Component:
    """The rules, and the form above them."""
    return managed(
        State,
        "Repository profiles",
        "What holds for work in some repositories, whoever asks for it. The closest pattern counts.",
        new="New profile",
        form=_form(),
        nothing=_nothing(),
        card=_profile,
        label="Profiles",
    )


def _nothing() -> rx.Component:
    return empty(
        "No profile yet",
        "A profile keeps agents to certain branches, away from certain paths, and to checks that must have passed.",
    )


def _profile(row: rx.Var[ProfileLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.h2(row.pattern, class_name="mono cut"),
            rx.el.span("changed ", age(row.updated_at), " by ", row.changed_by, class_name="hint"),
            rx.el.div(
                for_operators(
                    rx.el.button(
                        "Edit",
                        type="button",
                        class_name="button small",
                        aria_label="Edit " + row.pattern,
                        on_click=State.open_form(row.id),
                    ),
                    confirm(
                        rx.el.button(
                            "Delete", type="button", class_name="button small", aria_label="Delete " + row.pattern
                        ),
                        "Delete this profile?",
                        "Its rules hold no more for what is asked for from now on.",
                        "Delete it",
                        State.delete(row.id),
                    ),
                ),
                class_name="actions",
            ),
            class_name="task-top",
        ),
        rx.cond(
            row.rules.length() > 0,
            rx.el.dl(rx.foreach(row.rules, _rule), class_name="facts"),
            rx.el.p("No rule: it keeps patterns that say less from counting here.", class_name="hint"),
        ),
        class_name="card",
        key=row.id,
    )


def _rule(rule: rx.Var[RuleLine]) -> rx.Component:
    return rx.fragment(rx.el.dt(rule.word), rx.el.dd(rule.value))


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.h2(rx.cond(State.chosen == "new", "New profile", "Edit the profile")),
        draft_note(),
        _text("pattern", "Repositories", "acme/web, acme/*, gitlab.com/group/*, or * for all."),
        rx.el.div(*[_lines(*one) for one in _LISTS], class_name="form-row"),
        rx.el.div(
            _text("max_parallel_agents", "At work at once in each", "Over all orchestrations. Empty: no limit."),
            _text("default_model", "Model", "Where nobody chooses another. Empty: Cursor's default."),
            class_name="form-row",
        ),
        rx.el.details(
            rx.el.summary("Options where a request does not say otherwise"),
            rx.el.div(*[_text(f"option-{name}", word, "") for name, word in _NUMBERS], class_name="form-row"),
            rx.el.div(*[_yes_or_no(*one) for one in _SWITCHES], class_name="form-row"),
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
        custom_attrs=kept(rx.Var.create("profile ") + State.chosen, State.chosen),
    )


def _text(name: str, label: str, hint: str) -> rx.Component:
    described = {"aria_describedby": f"{name}-hint"} if hint else {}
    control = text_input(name, default_value=State.begins[name], **described)
    return field(label, control, name=name, hint=hint, errors=State.errors)


def _lines(name: str, label: str, hint: str) -> rx.Component:
    control = text_area(name, rows=3, default_value=State.begins[name], aria_describedby=f"{name}-hint")
    return field(label, control, name=name, hint=hint, errors=State.errors)


def _yes_or_no(name: str, word: str) -> rx.Component:
    named = f"option-{name}"
    control = choice(named, _UNSAID, default_value=State.begins[named])
    return field(word, control, name=named, errors=State.errors)
