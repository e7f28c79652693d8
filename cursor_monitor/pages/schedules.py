"""Schedules: what is launched by the clock, when it comes next, and the form of one."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.drafts import FORGET, draft_note, kept
from cursor_monitor.components.feedback import confirm, empty, facts
from cursor_monitor.components.form import choice, field, text_area, text_input
from cursor_monitor.components.layout import page
from cursor_monitor.components.managed import managed
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.template_choice import template_choice
from cursor_monitor.components.time import age, due
from cursor_monitor.domain.status import Mode
from cursor_monitor.state.schedules import FiringLine, ScheduleLine
from cursor_monitor.state.schedules import SchedulesState as State

_QUIET_MS = 400
_MISSED = [("once", "make one launch of them"), ("skip", "they are over"), ("all", "make up for each, 24 at most")]
_OVERLAP = [("skip", "wait for the next time"), ("allow", "launch all the same")]
_MODES = [
    (Mode.SINGLE_AGENT.value, "Single agent"),
    (Mode.AUTO.value, "Auto"),
    (Mode.BATCH.value, "Batch"),
    (Mode.PIPELINE.value, "Pipeline"),
]


@page(routes.SCHEDULES, title="Schedules", active=routes.SCHEDULES, on_load=[State.watch])
def schedules() -> rx.Component:
    """The schedules, and the form above them."""
    return managed(
        State,
        "Schedules",
        "Orchestrations that are launched by the clock, each time once, whichever worker is there.",
        new="New schedule",
        form=_form(),
        nothing=_nothing(),
        card=_schedule,
        label="Schedules",
    )


def _nothing() -> rx.Component:
    return empty(
        "No schedule yet",
        "A schedule launches an orchestration at certain times: upgrades each Monday, a report each night.",
    )


def _schedule(row: rx.Var[ScheduleLine]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.h2(row.name, class_name="cut"),
            rx.cond(row.is_enabled, rx.fragment(), status_badge("paused")),
            for_operators(_actions(row)),
            class_name="task-top",
        ),
        facts(
            [
                ("When", rx.el.span(row.when, class_name="mono")),
                ("Next", rx.cond(row.next_run_at != "", due(row.next_run_at), "not while it is paused")),
                ("What", row.what),
                ("Rules", row.rules),
            ]
        ),
        rx.cond(
            row.firings.length() > 0,
            rx.el.ul(rx.foreach(row.firings, _firing), aria_label="Newest firings of " + row.name),
            rx.el.p("It has not fired yet.", class_name="hint"),
        ),
        class_name="card",
        key=row.id,
    )


def _firing(line: rx.Var[FiringLine]) -> rx.Component:
    return rx.el.li(
        status_badge(line.status),
        age(line.at),
        rx.cond(line.href != "", rx.link("orchestration", href=line.href, class_name="banner-link")),
        rx.cond(line.reason != "", rx.el.span(line.reason, class_name="hint")),
        class_name="task-top",
        key=line.at,
    )


def _actions(row: rx.Var[ScheduleLine]) -> rx.Component:
    return rx.el.div(
        _button("Run now", row, State.act("run-now", row.id)),
        rx.cond(
            row.is_enabled,
            _button("Pause", row, State.act("pause", row.id)),
            _button("Resume", row, State.act("resume", row.id)),
        ),
        _button("Edit", row, State.open_form(row.id)),
        confirm(
            rx.el.button("Delete", type="button", class_name="button small", aria_label="Delete " + row.name),
            "Delete this schedule?",
            "It fires no more, and its list of firings is forgotten. What it launched stays.",
            "Delete it",
            State.act("delete", row.id),
        ),
        class_name="actions",
    )


def _button(word: str, row: rx.Var[ScheduleLine], on_click: rx.event.EventSpec) -> rx.Component:
    return rx.el.button(
        word,
        type="button",
        class_name="button small",
        aria_label=f"{word}: " + row.name,
        disabled=State.is_sending,
        on_click=on_click,
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.h2(rx.cond(State.chosen == "new", "New schedule", "Edit the schedule")),
        draft_note(),
        _when(),
        rx.el.div(
            _text("repository", "Repository", "owner/repo"),
            _text("ref", "Base branch", "Empty: the repository's default."),
            _select("mode", "How the work is split", _MODES),
            class_name="form-row",
        ),
        template_choice(State),
        rx.cond(State.template == "", _prompt(), rx.cond(State.errors.contains("template"), _refused("template"))),
        rx.el.div(
            _text("model", "Model", "Empty: as usual."),
            _text("max_agents", "Agents in all", "Of each launch. Empty: no limit."),
            _text("budget_cents", "US cents in all", "Of each launch. Empty: no limit."),
            class_name="form-row",
        ),
        rx.el.div(
            _select("overlap", "While an earlier one goes on", _OVERLAP),
            _select("missed", "Firings while no worker ran", _MISSED),
            _text("max_per_day", "Launches a day, at most", "1 to 1440"),
            class_name="form-row",
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
        custom_attrs=kept(rx.Var.create("schedule ") + State.chosen, State.chosen),
    )


def _when() -> rx.Component:
    touched = State.touch.debounce(_QUIET_MS)
    return rx.fragment(
        rx.el.div(
            _text("name", "Name", "Such as: nightly upgrade."),
            _text("cron", "When", "Minute, hour, day, month, day of the week.", on_change=touched, class_name="mono"),
            _text("time_zone", "Time zone", "Such as Europe/Berlin.", on_change=touched),
            class_name="form-row",
        ),
        rx.el.p(
            rx.cond(State.coming.length() > 0, "Next: " + State.coming.join(" · "), ""),
            class_name="hint num",
            role="status",
        ),
    )


def _prompt() -> rx.Component:
    control = text_area("prompt", rows=5, default_value=State.begins["prompt"])
    return field("What is to be done", control, name="prompt", errors=State.errors)


def _refused(name: str) -> rx.Component:
    return rx.el.p(State.errors[name], class_name="field-error", role="alert")


def _text(name: str, label: str, hint: str, **props: object) -> rx.Component:
    control = text_input(name, default_value=State.begins[name], aria_describedby=f"{name}-hint", **props)
    return field(label, control, name=name, hint=hint, errors=State.errors)


def _select(name: str, label: str, options: list[tuple[str, str]]) -> rx.Component:
    control = choice(name, options, default_value=State.begins[name])
    return field(label, control, name=name, errors=State.errors)
