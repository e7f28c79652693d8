"""The first page: what needs me, what broke, what runs, what happened."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.chips import repository_chip
from cursor_monitor.components.feedback import empty, loaded, metric, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.progress import progress
from cursor_monitor.components.status_badge import status_badge, status_icon
from cursor_monitor.components.time import age
from cursor_monitor.queries.orchestrations import FeedRow, OrchestrationRow
from cursor_monitor.state.overview import OverviewState as State

_ATTENTION = f"{routes.ORCHESTRATIONS}?status=attention"
_ACTIVE = f"{routes.ORCHESTRATIONS}?status=active"


@page(routes.OVERVIEW, title="Overview", active=routes.OVERVIEW, on_load=[State.watch])
def overview() -> rx.Component:
    """Five numbers, three columns, one feed."""
    return rx.fragment(
        header("Overview", actions=[for_operators(_new_link())]),
        problem(State.page_error),
        loaded(State.is_loaded, State.is_empty, _nothing(), _whole()),
    )


def _new_link() -> rx.Component:
    return rx.link(
        rx.icon("plus", size=15, aria_hidden="true"),
        "New orchestration",
        href=routes.NEW_ORCHESTRATION,
        underline="none",
        class_name="button primary",
    )


def _nothing() -> rx.Component:
    return empty(
        "Nothing has run yet",
        "Hand a job over: it is split over agents, each is followed to a verified end, and all of it shows here.",
        _new_link(),
    )


def _whole() -> rx.Component:
    return rx.fragment(
        _numbers(),
        rx.el.div(
            _column("Needs you", State.attention, "Nothing waits for a person.", _ATTENTION),
            _column("Active", State.active, "Nothing is under way.", _ACTIVE),
            _column("Ended last", State.finished, "Nothing has ended yet.", routes.ORCHESTRATIONS),
            class_name="grid-3",
        ),
        _feed(),
    )


def _numbers() -> rx.Component:
    return rx.el.div(
        _number("need you", State.needs_you, _ATTENTION, "person"),
        _number("active", State.running, _ACTIVE, "running"),
        _number("agents working", State.agents_working, f"{routes.AGENTS}?status=working", "running"),
        _number("completed in 24 h", State.completed_today, f"{routes.ORCHESTRATIONS}?status=completed", "good"),
        _number("failed in 24 h", State.failed_today, f"{routes.ORCHESTRATIONS}?status=failures", "bad"),
        class_name="metrics",
    )


def _number(label: str, value: rx.Var[int], href: str, tone: str) -> rx.Component:
    # A zero is no news, so it has no colour.
    return rx.cond(value > 0, metric(label, value, href, tone), metric(label, value, href))


def _column(title: str, rows: rx.Var[list[OrchestrationRow]], nothing: str, href: str) -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2(title), rx.link("All", href=href, aria_label=f"All: {title}"), class_name="section-head"),
        rx.cond(
            rows.length() == 0,
            rx.el.p(nothing, class_name="faint"),
            rx.el.ul(rx.foreach(rows, _card), class_name="section", aria_label=title),
        ),
        class_name="section",
    )


def _card(row: rx.Var[OrchestrationRow]) -> rx.Component:
    return rx.el.li(
        rx.link(row.name, href=f"{routes.ORCHESTRATIONS}/{row.id}", underline="none", class_name="name-link"),
        rx.el.div(status_badge(row.status), progress(row.tasks_completed, row.tasks_total), class_name="line"),
        rx.cond(row.error_summary, rx.el.p(row.error_summary, class_name="hint")),
        rx.el.div(repository_chip(row.repository), age(row.created_at), class_name="line"),
        class_name="card",
        key=row.id,
    )


def _feed() -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("What happened last"), class_name="section-head"),
        rx.el.ol(rx.foreach(State.feed, _happening), class_name="feed", aria_label="What happened last"),
        class_name="section",
    )


def _happening(row: rx.Var[FeedRow]) -> rx.Component:
    return rx.el.li(
        status_icon(row.level),
        rx.link(
            row.orchestration_name,
            href=f"{routes.ORCHESTRATIONS}/{row.orchestration_id}?tab=timeline",
            underline="none",
            class_name="name-link",
        ),
        rx.el.span(row.message, class_name="message"),
        rx.el.span(age(row.created_at), class_name="when"),
        key=row.orchestration_id + row.seq.to(str),
    )
