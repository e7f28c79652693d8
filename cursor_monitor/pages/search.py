"""Search through what all agents said and did."""

from __future__ import annotations

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.chips import repository_chip
from cursor_monitor.components.feedback import empty, loaded, problem
from cursor_monitor.components.layout import header, page
from cursor_monitor.components.table import search_box
from cursor_monitor.components.time import age
from cursor_monitor.queries.conversation import FoundRow, Piece
from cursor_monitor.state.search import SearchState as State


@page(routes.SEARCH, title="Search", active=routes.SEARCH, on_load=[State.load])
def search() -> rx.Component:
    """The box and what was found."""
    return rx.fragment(
        header("Search"),
        rx.el.div(
            search_box("Search all conversations", State.q, State.set_q),
            rx.el.span('Words, "a phrase", -not this, one or another', class_name="hint"),
            class_name="filters",
            role="search",
        ),
        problem(State.page_error),
        loaded(State.is_loaded, State.rows.length() == 0, _nothing(), _found()),
    )


def _nothing() -> rx.Component:
    return rx.cond(
        State.q == "",
        empty(
            "Search what agents said and did", "Answers, thinking, prompts, commands, paths and what tools returned."
        ),
        rx.cond(
            State.page_error == "",
            empty("Nothing found", "No agent said or did this, as far as its conversation was read."),
        ),
    )


def _found() -> rx.Component:
    return rx.el.ol(rx.foreach(State.rows, _row), class_name="found", aria_label="Found")


def _row(row: rx.Var[FoundRow]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.link(
                rx.cond(row.agent_name, row.agent_name.to(str), row.agent_id),
                href=f"{routes.AGENTS}/{row.agent_id}",
                underline="none",
                class_name="name-link",
            ),
            rx.el.span(rx.cond(row.name, row.name.to(str), row.kind), class_name="chip"),
            repository_chip(row.repository),
            age(row.started_at),
            class_name="line",
        ),
        rx.el.p(rx.foreach(row.snippet, _piece), class_name="snippet"),
        key=f"{row.run_id}:{row.position}",
    )


def _piece(piece: rx.Var[Piece]) -> rx.Component:
    return rx.cond(piece.is_match, rx.el.mark(piece.text), rx.el.span(piece.text))
