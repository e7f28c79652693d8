"""The table of the fleet: chosen columns, sorted by their heads, cards on a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.components.chips import branch_chip, id_chip, pr_chip, repository_chip
from cursor_monitor.components.status_badge import status_badge
from cursor_monitor.components.table import data_table
from cursor_monitor.components.time import age
from cursor_monitor.components.truth import doubt_hint
from cursor_monitor.queries.agents import AgentRow
from cursor_monitor.state.agents import AgentsState as State
from cursor_monitor.state.agents import GroupLine

Row = rx.Var[AgentRow]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its word, what it shows, and the order its head sorts by."""

    name: str
    word: str
    cell: Callable[[Row], rx.Component]
    sort: str = ""
    is_end: bool = False


def fleet_table() -> rx.Component:
    """The rows of this page under their heads."""
    heads = [_all(), _head("State", "status"), *[_column_head(one) for one in COLUMNS]]
    return data_table(State, "Agents", heads, _row, "fleet")


def fleet_groups() -> rx.Component:
    """How many agents each group has, and the way to them."""
    return rx.el.ul(rx.foreach(State.groups, _group), class_name="rows", aria_label="Groups")


def _group(line: rx.Var[GroupLine]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            line.href != "",
            rx.link(line.label, href=line.href, underline="none", class_name="name-link cut"),
            rx.el.span(line.label, class_name="faint"),
        ),
        rx.el.span(line.count, class_name="num end"),
        class_name="row",
        key=line.label,
    )


def _all() -> rx.Component:
    return rx.el.th(
        rx.el.input(
            type="checkbox",
            aria_label="Choose all of this page",
            checked=State.is_page_selected,
            on_change=State.toggle_page,
        ),
        scope="col",
        class_name="check",
    )


def _column_head(column: Column) -> rx.Component:
    return rx.cond(State.shown.contains(column.name), _head(column.word, column.sort, is_end=column.is_end))


def _head(word: str, sort: str, *, is_end: bool = False) -> rx.Component:
    kind = "end" if is_end else ""
    if not sort:
        return rx.el.th(word, scope="col", class_name=kind)
    up, down = State.sort == sort, State.sort == f"-{sort}"
    arrow = rx.cond(
        up,
        rx.icon("arrow-up", size=12, aria_hidden="true"),
        rx.cond(down, rx.icon("arrow-down", size=12, aria_hidden="true")),
    )
    return rx.el.th(
        rx.el.button(word, arrow, type="button", class_name="sort", on_click=State.sort_by(sort)),
        scope="col",
        class_name=kind,
        custom_attrs={"aria-sort": rx.cond(up, "ascending", rx.cond(down, "descending", "none"))},
    )


def _row(row: Row) -> rx.Component:
    name = rx.cond(row.name, row.name.to(str), row.id)
    check = rx.el.input(
        type="checkbox",
        aria_label=rx.Var.create("Choose ") + name.to(str)[:80],
        checked=State.selected.contains(row.id) | State.over_filter,
        on_change=State.toggle(row.id),
    )
    return rx.el.tr(
        rx.el.td(check, class_name="check"),
        rx.el.td(status_badge(row.state), doubt_hint(row.doubt), custom_attrs={"data-label": "State"}),
        *[_cell(column, row) for column in COLUMNS],
        key=row.id,
        custom_attrs={"data-chosen": rx.cond(State.selected.contains(row.id), "true", "false")},
    )


def _cell(column: Column, row: Row) -> rx.Component:
    cell = rx.el.td(
        column.cell(row), class_name="end" if column.is_end else "", custom_attrs={"data-label": column.word}
    )
    return rx.cond(State.shown.contains(column.name), cell)


def _name(row: Row) -> rx.Component:
    name = rx.cond(row.name, row.name.to(str), row.id)
    return rx.el.div(
        rx.link(name, href=f"{routes.AGENTS}/{row.id}", underline="none", class_name="name-link", title=name),
        rx.cond(row.pinned, rx.icon("pin", size=12, aria_label="Pinned", role="img")),
        rx.cond(row.shelf == "archived", rx.el.span("archived", class_name="badge tone-gone")),
        rx.cond(row.shelf == "deleted", rx.el.span("deleted at Cursor", class_name="badge tone-gone")),
        class_name="name-cell",
    )


def tags_of(tags: rx.Var[tuple[str, ...]]) -> rx.Component:
    """The tags of an agent as chips."""
    return rx.el.span(
        rx.foreach(tags, lambda tag: rx.el.span(rx.el.span(tag, class_name="cut"), class_name="chip", title=tag)),
        class_name="tags",
    )


def _unknown() -> rx.Component:
    return rx.el.span("–", title="Not known yet", class_name="faint")


def _cost(row: Row) -> rx.Component:
    return rx.cond(State.costs[row.id] != "", rx.el.span(State.costs[row.id], class_name="num"), _unknown())


def _tokens(row: Row) -> rx.Component:
    return rx.cond(row.tokens.is_none(), _unknown(), rx.el.span(row.tokens, class_name="num"))


def _said(row: Row) -> rx.Component:
    return rx.cond(row.run_status, rx.el.span(row.run_status.to(str), class_name="mono"), _unknown())


def _model(row: Row) -> rx.Component:
    return rx.cond(row.model, rx.el.span(row.model.to(str), class_name="cut"), _unknown())


def _time(value: rx.Var) -> rx.Component:
    return rx.cond(value, age(value), _unknown())


COLUMNS = (
    Column("name", "Name", _name, "name"),
    Column("repository", "Repository", lambda row: repository_chip(row.repository)),
    Column("branch", "Branch", lambda row: branch_chip(row.branch)),
    Column("pr", "Pull request", lambda row: pr_chip(row.pr_url)),
    Column("tags", "Tags", lambda row: tags_of(row.tags)),
    Column("cost", "Cost", _cost, "cost", is_end=True),
    Column("activity", "Active", lambda row: _time(row.active_at), "activity", is_end=True),
    Column("created", "Made", lambda row: age(row.created_at), "created", is_end=True),
    Column("origin", "Origin", lambda row: rx.el.span(row.origin)),
    Column("model", "Model", _model),
    Column("tokens", "Tokens", _tokens, is_end=True),
    Column("cursor", "Cursor says", _said),
    Column("seen", "Seen", lambda row: _time(row.observed_at), is_end=True),
    Column("id", "Id", lambda row: id_chip(row.id)),
)
