"""The fleet: every agent, launched here or seen at Cursor, under the filters of the address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.fleet import FleetFilter
from cursor_monitor.queries.agents import AgentRow
from cursor_monitor.queries.fleet import list_agents
from cursor_monitor.queries.page import Page
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.paging import PagingMixin


class AgentsState(LiveMixin, PagingMixin, rx.State):
    """One page of the fleet, newest first."""

    rows: list[AgentRow] = []

    def _topic(self) -> str:
        return live.AGENTS

    def _query(self) -> Callable[[], Any]:
        self._read_address()
        return partial(
            list_agents,
            FleetFilter(status=self.filters["status"], repository=self.filters["repository"], q=self.q),
            cursor=self.cursor,
            limit=50,
        )

    def _show(self, result: Page[AgentRow]) -> None:
        self.rows = list(result.items)
        self.next_cursor = result.next_cursor or ""

    def _filter_names(self) -> tuple[str, ...]:
        return ("status", "repository")

    def _route(self) -> str:
        return routes.AGENTS
