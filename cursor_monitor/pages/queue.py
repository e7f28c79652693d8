"""The outbox: what waits, what runs, what was given up, and one job whole."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.chips import agent_chip
from cursor_monitor.components.feedback import confirm, empty, facts, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.queue_bulk import chooser, page_chooser, queue_bulk
from cursor_monitor.components.queue_depth import queue_depth
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.table import data_table, filter_bar, filter_choice
from cursor_monitor.components.time import age, due
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries.jobs import JobRow
from cursor_monitor.state.queue import QueueState as State
from cursor_monitor.state.queue import TryView
from cursor_monitor.state.queue_depth import QueueDepthState as Depth

_HEADS = (
    page_chooser(),
    ("Status", ""),
    ("Job", ""),
    ("Kind", ""),
    ("Attempts", "end hide-phone"),
    ("Due", "hide-phone"),
    ("Newest error", "hide-phone"),
    ("Made", "end"),
)
_STATUSES = [
    ("", "All statuses"),
    ("pending", "Pending"),
    ("processing", "Processing"),
    ("failed", "Dead letters"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
]
_KINDS = [("", "All kinds"), *[(kind.value, kind.value.replace("_", " ")) for kind in JobKind]]


@page(routes.QUEUE, title="Queue", active=routes.QUEUE, on_load=[State.watch, Depth.watch])
def queue() -> rx.Component:
    """The chosen job, the queue at a glance, the jobs under their filters."""
    return rx.fragment(
        header("Queue", rx.el.span("The outbox: each job is written with the change that needs it.")),
        problem(State.page_error),
        problem(State.notice),
        rx.cond(State.chosen.id > 0, _whole()),
        queue_depth(),
        filter_bar(
            State.is_filtered,
            State.clear_filters,
            filter_choice("Status", State.filters["status"], _STATUSES, lambda v: State.set_filter("status", v)),
            filter_choice("Kind", State.filters["kind"], _KINDS, lambda v: State.set_filter("kind", v)),
        ),
        queue_bulk(),
        loaded(State.is_loaded, State.rows.length() == 0, _nothing(), data_table(State, "Jobs", _HEADS, _row)),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        State.is_filtered,
        empty("Nothing matches", "No job has what these filters ask for."),
        empty("The queue is empty", "Jobs appear as soon as something is launched."),
    )


def _row(row: rx.Var[JobRow]) -> rx.Component:
    return rx.el.tr(
        chooser(row.id),
        rx.el.td(status_badge(rx.cond(row.status == "failed", "dead", row.status))),
        rx.el.td(rx.link(row.id, href=f"{routes.QUEUE}?job={row.id}", underline="none", class_name="name-link num")),
        rx.el.td(rx.el.span(row.kind, class_name="mono")),
        rx.el.td(row.attempts, " of ", row.max_attempts, class_name="end num hide-phone"),
        rx.el.td(rx.cond(row.status == "pending", due(row.next_run_at), "–"), class_name="hide-phone"),
        rx.el.td(
            rx.cond(row.error, rx.el.span(row.error.to(str), class_name="cut", title=row.error.to(str)), "–"),
            class_name="hide-phone",
        ),
        rx.el.td(age(row.created_at), class_name="end"),
        key=row.id,
        custom_attrs={"data-chosen": rx.cond(State.selected.contains(row.id), "true", "false")},
    )


def _whole() -> rx.Component:
    job = State.chosen
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Job ", job.id),
            status_badge(rx.cond(job.status == "failed", "dead", job.status)),
            rx.el.div(for_operators(*_actions()), class_name="actions"),
            class_name="task-top",
        ),
        facts(
            [
                ("Kind", rx.el.span(job.kind, class_name="mono")),
                ("Waits for", rx.cond(State.waits_for != "", State.waits_for, "nothing")),
                ("Due", due(job.next_run_at)),
                ("Attempts", rx.el.span(job.attempts, " of ", job.max_attempts, class_name="num")),
                ("Held by", rx.cond(job.leased_by, rx.el.span(job.leased_by.to(str), class_name="mono"), "nobody")),
                ("Orchestration", rx.cond(job.orchestration_id, _orchestration(), "none")),
                ("Agent", rx.cond(job.agent_id, agent_chip(job.agent_id), "none")),
                ("Arguments", rx.el.pre(State.args, tab_index=0)),
            ]
        ),
        rx.cond(
            State.tries.length() > 0,
            rx.el.ol(rx.foreach(State.tries, _try), class_name="rows", aria_label="Errors"),
        ),
        class_name="card",
        aria_label="The chosen job",
    )


def _orchestration() -> rx.Component:
    return rx.link(
        rx.el.span(State.chosen.orchestration_id, class_name="cut"),
        href=f"{routes.ORCHESTRATIONS}/{State.chosen.orchestration_id}",
        underline="none",
        class_name="chip link",
    )


def _actions() -> list[rx.Component]:
    discard = rx.el.button("Discard", type="button", class_name="button small")
    return [
        rx.cond(State.controls.contains("retry"), _action("Retry", "retry")),
        rx.cond(State.controls.contains("run-now"), _action("Run now", "run-now")),
        rx.cond(
            State.controls.contains("discard"),
            confirm(
                discard,
                "Discard this job?",
                "It is not done, and what waits for it goes on without it.",
                "Discard it",
                State.act("discard"),
            ),
        ),
    ]


def _action(word: str, name: str) -> rx.Component:
    return rx.el.button(word, type="button", class_name="button small", on_click=State.act(name))


def _try(one: rx.Var[TryView]) -> rx.Component:
    return rx.el.li(
        rx.el.div("Attempt ", one.attempt, " ", age(one.at), class_name="line num"),
        rx.el.p(one.error, class_name="prose"),
        class_name="task",
    )
