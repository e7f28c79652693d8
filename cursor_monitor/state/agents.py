"""The fleet: every agent, launched here or seen at Cursor, under the filters of the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.fleet import (
    COLUMNS,
    DEFAULT_COLUMNS,
    GROUPS,
    NARROWING,
    SORTS,
    FleetFilter,
    Order,
    parse_order,
)
from cursor_monitor.domain.views import spell
from cursor_monitor.queries import fleet
from cursor_monitor.queries.accounts import AccountName, list_names
from cursor_monitor.queries.agents import AgentRow
from cursor_monitor.queries.fleet import GroupRow
from cursor_monitor.queries.page import Page
from cursor_monitor.services.caller import personal
from cursor_monitor.state.account_choice import AccountChoiceMixin
from cursor_monitor.state.bulk import BulkMixin
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.paging import PagingMixin

_UPWARDS_FIRST = ("name", "status")


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group, and where its agents are."""

    label: str
    count: int
    href: str


@dataclass(frozen=True, slots=True)
class _Shown:
    page: Page[AgentRow]
    count: int
    groups: tuple[GroupRow, ...]
    choices: tuple[list[str], list[str], list[AccountName]] | None


class AgentsState(LiveMixin, PagingMixin, BulkMixin, AccountChoiceMixin, rx.State):
    """One page of the fleet."""

    _pace_seconds: ClassVar[float] = 0.25  # it changes with every commit of any of them

    rows: list[AgentRow] = []
    costs: dict[str, str] = {}
    count: int = 0
    groups: list[GroupLine] = []
    repositories: list[str] = []
    tags: list[str] = []
    kept_columns: str = rx.LocalStorage("", name="agents-columns")
    _seen_filter: str = ""

    @rx.var
    def sort(self) -> str:
        """The order, as in the address."""
        return self.filters.get("sort") or str(Order())

    @rx.var
    def shown(self) -> list[str]:
        """The columns: of the address, else those chosen last in this browser, else the usual ones."""
        wanted = (self.filters.get("columns") or self.kept_columns).split(",")
        return [name for name in COLUMNS if name in wanted] or list(DEFAULT_COLUMNS)

    @rx.var
    def here(self) -> str:
        """The view that is shown, as it would be saved."""
        return spell({"q": self.q, **self.filters, "columns": ",".join(self.shown)})

    @rx.var
    def is_page_selected(self) -> bool:
        """True where all agents of this page are chosen."""
        return bool(self.rows) and {row.id for row in self.rows} <= set(self.selected)

    @rx.var
    def is_narrowed(self) -> bool:
        """True where not everything is shown."""
        return bool(self.q or any(self.filters.get(name) for name in NARROWING))

    @rx.var
    def export_href(self) -> str:
        """Where the same list is as CSV."""
        wanted = {"q": self.q, **{name: self.filters.get(name, "") for name in (*NARROWING, "sort")}}
        wanted["shelf"] = {"": "current", "all": ""}.get(wanted["shelf"], wanted["shelf"])
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"{routes.API}/agents/export?{query}"

    @rx.event
    def sort_by(self, name: str):
        """Sort by a column; once more turns it round."""
        if name not in SORTS:
            return None
        now = parse_order(self.sort)
        downwards = not now.descending if now.sort == name else name not in _UPWARDS_FIRST
        return self._go(sort=str(Order(name, downwards)), cursor="")

    @rx.event
    def toggle_column(self, name: str):
        """Show a column or hide it, here and the next time."""
        if name not in COLUMNS:
            return None
        left = [one for one in COLUMNS if (one in self.shown) != (one == name)]
        self.kept_columns = ",".join(left or DEFAULT_COLUMNS)
        return self._go(columns=self.kept_columns)

    @rx.event
    def toggle_page(self):
        """Choose all agents of this page, or none of them."""
        here = [row.id for row in self.rows]
        if set(here) <= set(self.selected):
            self._choose([one for one in self.selected if one not in here])
        else:
            self._choose([*self.selected, *here])

    def _topic(self) -> str:
        return live.AGENTS

    def _query(self) -> Callable[[], Any]:
        self._read_address()
        wanted = self._wanted_filter()
        is_new = self._seen_filter != str(wanted)
        if is_new:
            self._choose([])
        order, group = self.filters.get("sort"), self.filters.get("group", "")
        return partial(_read, wanted, order, self.cursor, group, needs_choices=is_new or not self.is_loaded)

    def _show(self, result: _Shown) -> None:
        self._seen_filter = str(self._wanted_filter())
        self._put(
            rows=list(result.page.items),
            costs={row.id: dollars(row.cost_cents) for row in result.page.items},
            next_cursor=result.page.next_cursor or "",
            count=result.count,
            groups=[self._group(row) for row in result.groups],
        )
        if result.choices is not None:
            self.repositories, self.tags, self.accounts = result.choices

    def _group(self, row: GroupRow) -> GroupLine:
        by = self.filters.get("group", "")
        wanted = {"q": self.q, **self.filters, "group": "", "columns": "", by: row.value or ""}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return GroupLine(_short(row.value) or "none", row.count, f"{routes.AGENTS}?{query}" if row.value else "")

    def _wanted_filter(self) -> FleetFilter:
        chosen = {name: self.filters.get(name) or None for name in NARROWING}
        shelf = {None: "current", "all": None}.get(chosen["shelf"], chosen["shelf"])
        pinned = {"yes": True, "no": False}.get(chosen["pinned"] or "")
        return FleetFilter(
            chosen["status"],
            chosen["repository"],
            chosen["origin"],
            chosen["tag"],
            shelf,
            pinned,
            self.q or None,
            chosen["account"],
            personal(),
        )

    def _filter_names(self) -> tuple[str, ...]:
        return (*NARROWING, "sort", "group", "columns")

    def _route(self) -> str:
        return routes.AGENTS


def dollars(cents: float | None) -> str:
    """Cents as dollars; nothing where they are not known."""
    if cents is None:
        return ""
    return f"${cents / 100:.2f}" if cents >= 1 or cents == 0 else "< $0.01"


def _read(wanted: FleetFilter, order: str | None, cursor: str, group: str, *, needs_choices: bool) -> _Shown:
    if group and group not in GROUPS:
        raise Invalid("group", f"must be one of {', '.join(GROUPS)}")
    choices = None
    if needs_choices:
        repositories, tags = fleet.list_groups("repository"), fleet.list_groups("tag")
        tag_names = [one.value for one in tags if one.value]
        choices = [_short(one.value) for one in repositories if one.value], tag_names, list(list_names())
    return _Shown(
        page=Page(()) if group else fleet.list_agents(wanted, parse_order(order), cursor=cursor or None),
        count=fleet.count_agents(wanted),
        groups=fleet.list_groups(group, wanted) if group else (),
        choices=choices,
    )


def _short(value: str | None) -> str:
    return (value or "").removeprefix("https://github.com/")
