"""One orchestration, whole: facts, tasks, timeline, controls."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components import chips
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.budgets import budgets
from cursor_monitor.components.drafts import draft_key, draft_note, kept
from cursor_monitor.components.feedback import confirm, empty, facts, gone, problem, skeleton
from cursor_monitor.components.gantt import gantt
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.palette import command
from cursor_monitor.components.plan_editor import plan_editor
from cursor_monitor.components.progress import progress
from cursor_monitor.components.status_badge import checks_badge, status_badge
from cursor_monitor.components.task_board import task_board
from cursor_monitor.components.task_graph import task_graph
from cursor_monitor.components.time import age, duration
from cursor_monitor.components.time_travel import moment, time_travel
from cursor_monitor.components.timeline import timeline
from cursor_monitor.state.gantt import GanttState
from cursor_monitor.state.orchestration import OrchestrationState as State
from cursor_monitor.state.orchestration_views import OptionView, TaskView
from cursor_monitor.state.timeline import TimelineState

_TABS = (
    ("tasks", "Tasks"),
    ("board", "Board"),
    ("gantt", "Gantt"),
    ("timeline", "Timeline"),
    ("request", "Request"),
)


@page(
    routes.ORCHESTRATION,
    title="Orchestration",
    active=routes.ORCHESTRATIONS,
    crumbs=(("Orchestrations", routes.ORCHESTRATIONS), ("Detail", routes.ORCHESTRATIONS)),
    on_load=[State.watch, TimelineState.watch, GanttState.watch],
)
def orchestration() -> rx.Component:
    """The page, or that there is nothing behind the address."""
    nothing = gone(
        "No such orchestration",
        "It was deleted, or the address is not right.",
        routes.ORCHESTRATIONS,
        "All orchestrations",
    )
    return rx.cond(State.is_missing, nothing, rx.cond(State.is_loaded, _whole(), skeleton()))


def _whole() -> rx.Component:
    detail = State.detail
    return rx.fragment(
        header(
            detail.name,
            status_badge(detail.status),
            progress(detail.tasks_completed, detail.tasks_total),
            rx.cond(
                detail.active_agents > 0,
                rx.el.span(
                    detail.active_agents,
                    rx.cond(detail.active_agents == 1, " agent busy", " agents busy"),
                    class_name="num",
                ),
            ),
            rx.cond(detail.started_at, duration(detail.started_at, detail.completed_at)),
            rx.link("Proof of quality", href=f"{routes.ORCHESTRATIONS}/{detail.id}/proof"),
            actions=[for_operators(_controls())],
        ),
        problem(State.notice),
        rx.cond(
            detail.error_summary,
            rx.el.div(
                rx.icon("triangle-alert", size=15, aria_hidden="true"),
                rx.el.span(detail.error_summary),
                class_name=rx.cond(
                    (detail.status == "blocked") | (detail.status == "waiting"),
                    "banner tone-person",
                    "banner tone-bad",
                ),
            ),
        ),
        time_travel(),
        rx.el.div(
            rx.el.div(
                _tabs(),
                rx.match(
                    State.tab,
                    ("board", task_board()),
                    ("gantt", gantt()),
                    ("timeline", timeline()),
                    ("request", _request()),
                    _tasks(),
                ),
                class_name="section",
            ),
            _rail(),
            class_name="columns",
        ),
    )


def _controls() -> rx.Component:
    cancel = rx.el.button(
        rx.icon("circle-slash", size=14, aria_hidden="true"),
        "Cancel",
        type="button",
        class_name="button",
        custom_attrs=command("Cancel this orchestration"),
    )
    return rx.fragment(
        _control("approve", "Approve", "check", "button primary"),
        _control("resume", "Resume", "play", "button primary"),
        _control("pause", "Pause", "pause"),
        _control("retry", "Retry", "rotate-ccw"),
        rx.cond(
            State.detail.controls.contains("cancel"),
            confirm(
                cancel,
                "Cancel this orchestration?",
                "Its live agents are cancelled at Cursor. What they pushed stays.",
                "Cancel it",
                State.control("cancel"),
            ),
        ),
    )


def _control(name: str, word: str, icon: str, kind: str = "button") -> rx.Component:
    return rx.cond(
        State.detail.controls.contains(name),
        rx.el.button(
            rx.icon(icon, size=14, aria_hidden="true"),
            word,
            type="button",
            class_name=kind,
            on_click=State.control(name),
            custom_attrs=command(f"{word} this orchestration"),
        ),
    )


def _tabs() -> rx.Component:
    return rx.el.nav(
        *[
            rx.link(
                word,
                href=f"{routes.ORCHESTRATIONS}/{State.detail.id}?tab={tab}{moment()}",
                underline="none",
                custom_attrs={"aria-current": rx.cond(State.tab == tab, "page", "false")},
            )
            for tab, word in _TABS
        ],
        class_name="tabs",
        aria_label="Parts of this orchestration",
    )


def _tasks() -> rx.Component:
    return rx.cond(
        State.tasks.length() == 0,
        rx.cond(
            State.detail.active_agents > 0,
            empty("Being planned", "A planner agent reads the repository and splits the request into tasks."),
            empty("Not planned yet", "A worker turns the request into tasks as soon as it takes it up."),
        ),
        rx.fragment(
            rx.cond(State.detail.controls.contains("approve"), for_operators(plan_editor())),
            rx.cond(State.tasks.length() > 1, task_graph(State.graph)),
            rx.el.ul(rx.foreach(State.tasks, _task), class_name="rows", aria_label="Tasks"),
        ),
    )


def _task(task: rx.Var[TaskView]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                status_badge(task.status),
                rx.el.span(task.title, class_name="title"),
                for_operators(_task_controls(task)),
                class_name="task-top",
            ),
            rx.el.div(
                rx.el.span(task.key, class_name="mono"),
                rx.cond(task.candidate_of != "", rx.el.span("candidate for ", task.candidate_of)),
                rx.cond(task.is_kept, rx.el.strong("kept")),
                rx.cond(task.depends_on != "", rx.el.span("after ", task.depends_on)),
                chips.agent_chip(task.agent_id),
                chips.branch_chip(task.branch),
                chips.pr_chip(task.pr_url),
                rx.cond(task.checks != "", rx.el.span("checks ", checks_badge(task.checks))),
                rx.cond(task.attempts > 1, rx.el.span(task.attempts, " attempts", class_name="num")),
                rx.cond(
                    task.iterations > 0,
                    rx.el.span(
                        task.iterations, rx.cond(task.iterations == 1, " follow-up", " follow-ups"), class_name="num"
                    ),
                ),
                rx.cond(
                    task.status == "completed",
                    rx.el.span("quality ", chips.score(task.quality_score, task.quality_coverage)),
                ),
                rx.cond(task.started_at, duration(task.started_at, task.completed_at)),
                rx.cond(task.waits_for, rx.el.span("waits for ", task.waits_for)),
                class_name="line",
            ),
            rx.cond(task.kept != "", rx.el.p("Kept ", task.kept, ": ", task.kept_reason, class_name="hint")),
            rx.cond(task.error_message, rx.el.p(task.error_message, class_name="field-error")),
            rx.cond(State.following == task.key, _followup()),
            class_name="task",
        ),
        key=task.key,
    )


def _task_controls(task: rx.Var[TaskView]) -> rx.Component:
    return rx.el.div(
        rx.cond(task.can_keep, _task_control("Keep", task, State.control_task("keep", task.key))),
        rx.cond(task.can_follow, _task_control("Follow up", task, State.follow(task.key))),
        rx.cond(task.can_retry, _task_control("Retry", task, State.control_task("retry", task.key))),
        rx.cond(task.can_skip, _task_control("Skip", task, State.control_task("skip", task.key))),
        class_name="actions",
    )


def _task_control(word: str, task: rx.Var[TaskView], on_click: rx.event.EventSpec) -> rx.Component:
    return rx.el.button(
        word, type="button", class_name="button small", on_click=on_click, aria_label=f"{word} {task.key}"
    )


def _followup() -> rx.Component:
    return rx.el.form(
        draft_key(),
        draft_note(),
        rx.el.label("What should the agent do next?", html_for="followup"),
        rx.el.textarea(id="followup", name="followup", rows=3, auto_focus=True),
        rx.el.div(
            rx.el.button("Send", type="submit", class_name="button primary"),
            rx.el.button("Close", type="button", class_name="button", on_click=State.follow("")),
            class_name="actions",
        ),
        on_submit=State.send_followup,
        class_name="field",
        custom_attrs=kept(rx.Var.create("follow-up ") + State.detail.id + " " + State.following),
    )


def _request() -> rx.Component:
    return rx.el.div(
        rx.el.section(rx.el.h2("Prompt"), rx.el.pre(State.detail.prompt, tab_index=0), class_name="section"),
        rx.el.section(
            rx.el.h2("Options"),
            rx.el.dl(rx.foreach(State.options, _option), class_name="facts"),
            class_name="section",
        ),
        class_name="section",
    )


def _option(option: rx.Var[OptionView]) -> rx.Component:
    return rx.fragment(rx.el.dt(option.name), rx.el.dd(option.value, class_name="num"))


def _rail() -> rx.Component:
    detail = State.detail
    return rx.el.aside(
        budgets(),
        facts(
            [
                ("Id", chips.id_chip(detail.id)),
                ("Repository", chips.repository_chip(detail.repository)),
                ("Base", rx.cond(detail.ref, chips.branch_chip(detail.ref), "the default branch")),
                ("Mode", rx.el.span(detail.mode, class_name="mono")),
                ("Model", rx.cond(detail.model, detail.model, "Cursor's default")),
                ("Quality", chips.score(detail.quality_score, detail.quality_coverage)),
                ("Requested by", detail.created_by),
                ("Made", age(detail.created_at)),
                ("Started", rx.cond(detail.started_at, age(detail.started_at), "not yet")),
                ("Ended", rx.cond(detail.completed_at, age(detail.completed_at), "not yet")),
                ("Last change", age(detail.updated_at)),
            ]
        ),
        aria_label="Facts",
    )
