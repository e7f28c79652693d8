"""The first page: what needs me, what broke, what runs, what it cost, what happened."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.allowed import for_operators
from cursor_monitor.components.board import board
from cursor_monitor.components.feedback import empty, loaded, metric, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.plot import plot
from cursor_monitor.components.status_badge import status_icon
from cursor_monitor.components.time import age
from cursor_monitor.queries.orchestrations import FeedRow
from cursor_monitor.state.overview import OverviewState as State
from cursor_monitor.state.trends import TrendsState as Trends

_COMPLETED = f"{routes.ORCHESTRATIONS}?status=completed&ended=day"
_FAILED = f"{routes.ORCHESTRATIONS}?status=failures&ended=day"


@page(routes.OVERVIEW, title="Overview", active=routes.OVERVIEW, on_load=[State.watch, Trends.watch])
def overview() -> rx.Component:
    """The numbers, the board, the plots, the feed."""
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
    return rx.cond(
        State.only != "",
        rx.fragment(
            rx.el.div(rx.link("The whole overview", href=routes.OVERVIEW, underline="none", class_name="button small")),
            board(),
        ),
        rx.fragment(_numbers(), board(), _plots(), _feed()),
    )


def _numbers() -> rx.Component:
    return rx.el.div(
        metric(
            "need you", State.counts["needs"], f"{routes.OVERVIEW}?column=needs", rx.cond(State.needs > 0, "person", "")
        ),
        _number("failed in 24 h", State.failed_day, _FAILED, "bad"),
        _number("agents working", State.agents_working, f"{routes.AGENTS}?status=working", "running"),
        _number("completed in 24 h", State.completed_day, _COMPLETED, "good"),
        metric(
            Trends.budget_words,
            Trends.spent_today,
            f"{routes.AGENTS}?sort=-cost",
            rx.cond(Trends.is_near_budget, "person", ""),
        ),
        metric("in the queue", State.queue_words, routes.QUEUE, rx.cond(State.is_queue_late, "person", ""), "small"),
        metric("workers", State.worker_words, routes.HEALTH, rx.cond(State.is_worker_out, "bad", ""), "small"),
        class_name="metrics",
    )


def _number(label: str, value: rx.Var[int], href: str, tone: str) -> rx.Component:
    # A zero is no news, so it has no colour.
    return metric(label, value, href, rx.cond(value > 0, tone, ""))


def _plots() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Over time", class_name="visually-hidden"),
        plot("Ended", Trends.hours_words, Trends.hours, ("24 h ago", "now")),
        plot("Success", Trends.success_words, Trends.success, ("14 days ago", "today")),
        plot("Spend", Trends.spend_words, Trends.spend, ("14 days ago", "today (UTC)")),
        class_name="grid-3",
    )


def _feed() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2("What happened last"),
            rx.cond(
                State.news > 0,
                rx.el.button(State.news, " new", type="button", class_name="button small", on_click=State.release_feed),
            ),
            class_name="section-head",
        ),
        rx.el.ol(
            rx.foreach(State.feed, _happening),
            class_name="feed",
            aria_label="What happened last",
            on_mouse_enter=State.hold_feed,
            on_mouse_leave=State.release_feed,
        ),
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
