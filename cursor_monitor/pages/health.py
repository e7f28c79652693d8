"""A line per part: its state, its facts, since when, and what to do."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.table import table
from cursor_monitor.components.time import age
from cursor_monitor.queries.health import HealthEventRow
from cursor_monitor.state.health import ComponentView, FactView, WorkerView
from cursor_monitor.state.health import HealthState as State

_WORKER_HEADS = (
    ("Status", ""),
    ("Worker", ""),
    ("Heartbeat", ""),
    ("Up since", "hide-phone"),
    ("Jobs under way", "end"),
    ("Jobs done", "end hide-phone"),
    ("Woken by", "hide-phone"),
    ("Version", "hide-phone"),
)
_EVENT_HEADS = (("Event", ""), ("Part", ""), ("Instance", "hide-phone"), ("When", "end"))


@page(routes.HEALTH, title="Health", active=routes.HEALTH, on_load=[State.watch])
def health() -> rx.Component:
    """Parts, workers, heartbeats."""
    return rx.fragment(
        header("Health", status_badge(State.status), rx.el.span("version ", State.version, class_name="num")),
        problem(State.page_error),
        loaded(State.is_loaded, State.components.length() == 0, rx.fragment(), _whole()),
    )


def _whole() -> rx.Component:
    return rx.fragment(
        rx.el.ul(rx.foreach(State.components, _part), class_name="rows", aria_label="Parts"),
        rx.el.section(
            rx.el.h2("Workers"),
            rx.cond(
                State.workers.length() == 0,
                empty("No worker has reported", "Work is done by workers; start one with: cursor-monitor worker"),
                table("Workers", _WORKER_HEADS, rx.foreach(State.workers, _worker)),
            ),
            class_name="section",
        ),
        rx.el.section(
            rx.el.h2("Heartbeats"),
            table("Heartbeats", _EVENT_HEADS, rx.foreach(State.events, _event)),
            class_name="section",
        ),
    )


def _part(part: rx.Var[ComponentView]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            status_badge(part.status),
            rx.el.span(part.title, class_name="title"),
            rx.el.span(part.message, class_name="message faint"),
            class_name="task-top",
        ),
        rx.el.div(rx.foreach(part.facts, _fact), class_name="line"),
        class_name="task",
        key=part.name,
    )


def _fact(fact: rx.Var[FactView]) -> rx.Component:
    value = rx.cond(fact.moment != "", age(fact.moment), rx.el.span(fact.value, class_name="num"))
    return rx.el.span(fact.name, " ", value)


def _worker(worker: rx.Var[WorkerView]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(status_badge(worker.status)),
        rx.el.td(rx.el.span(worker.instance, class_name="mono cut"), title=worker.instance),
        rx.el.td(age(worker.heartbeat_at)),
        rx.el.td(rx.cond(worker.started_at, age(worker.started_at), "unknown"), class_name="hide-phone"),
        rx.el.td(worker.running, class_name="end num"),
        rx.el.td(worker.settled, class_name="end num hide-phone"),
        rx.el.td(worker.wakeup, class_name="hide-phone"),
        rx.el.td(worker.version, class_name="num hide-phone"),
        key=worker.instance,
    )


def _event(event: rx.Var[HealthEventRow]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(event.kind),
        rx.el.td(event.service),
        rx.el.td(rx.el.span(event.instance, class_name="mono cut"), class_name="hide-phone"),
        rx.el.td(age(event.created_at), class_name="end"),
        key=event.id,
    )
