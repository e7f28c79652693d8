"""The board: work in columns by the next act of a person."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.chips import repository_chip
from cursor_monitor.components.progress import progress
from cursor_monitor.components.time import age
from cursor_monitor.domain.board import Column
from cursor_monitor.queries.board import Card
from cursor_monitor.state.overview import OverviewState as State

LANES: tuple[tuple[Column, str, str], ...] = (
    (Column.RESPOND, "Respond", "Nothing waits for an answer."),
    (Column.REVIEW, "Review", "Nothing waits for a review."),
    (Column.MERGE, "Merge", "Nothing is ready to merge."),
    (Column.WORKING, "Working", "No agent is at work."),
    (Column.WAITING, "Waiting", "Nothing waits."),
    (Column.DONE, "Done", "Nothing ended in the last day."),
)


def board() -> rx.Component:
    """All columns, or the one that the address asks for."""
    return rx.el.div(
        *[_lane(column, title, nothing) for column, title, nothing in LANES],
        class_name=rx.cond(State.only == "", "board", "board one"),
    )


def _lane(column: Column, title: str, nothing: str) -> rx.Component:
    cards: rx.Var[list[Card]] = getattr(State, column.value)
    count = State.counts[column.value]
    shown = (State.only == "") | (State.only == column.value)
    if column in (Column.RESPOND, Column.REVIEW, Column.MERGE):
        shown = shown | (State.only == "needs")
    return rx.cond(
        shown,
        rx.el.section(
            rx.el.div(
                rx.el.h2(title),
                rx.el.span(count, class_name="count num"),
                rx.cond(
                    State.only == "",
                    rx.link("All", href=f"{routes.OVERVIEW}?column={column.value}", aria_label=f"All: {title}"),
                ),
                class_name="section-head",
            ),
            rx.cond(
                cards.length() == 0,
                rx.el.p(nothing, class_name="faint"),
                rx.el.ul(rx.foreach(cards, _card), class_name="lane-cards", aria_label=title),
            ),
            class_name="section lane",
            custom_attrs={"data-lane": column.value},
        ),
    )


def _card(card: rx.Var[Card]) -> rx.Component:
    return rx.el.li(
        rx.link(card.name, href=card.href, underline="none", class_name="name-link", title=card.name),
        rx.el.p(card.why, class_name="why", title=card.why),
        rx.el.div(
            rx.cond(card.repository, repository_chip(card.repository)),
            rx.cond(card.tasks_total > 1, progress(card.tasks_completed, card.tasks_total)),
            rx.el.span(age(card.since), class_name="faint"),
            _act(card),
            class_name="line",
        ),
        class_name=f"card tone-{card.tone}",
        custom_attrs={"data-row": "true"},
        key=card.id,
    )


def _act(card: rx.Var[Card]) -> rx.Component:
    """The one thing to do next, where it is done."""
    return rx.cond(
        card.act,
        rx.cond(
            card.pull,
            rx.el.a(
                card.act.to(str),
                rx.icon("arrow-up-right", size=12, aria_hidden="true"),
                href=card.pull.to(str),
                target="_blank",
                rel="noreferrer noopener",
                class_name="act",
                aria_label=card.act.to(str) + ": " + card.name,
            ),
            rx.link(
                card.act.to(str),
                href=card.href,
                underline="none",
                class_name="act",
                aria_label=card.act.to(str) + ": " + card.name,
            ),
        ),
    )
