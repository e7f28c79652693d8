"""The list of orchestrations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.queries.orchestrations import OrchestrationRow, list_orchestrations
from cursor_monitor.queries.page import Page
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.paging import PagingMixin


class OrchestrationsState(LiveMixin, PagingMixin, rx.State):
    """One page of orchestrations, newest first, under the filters of the address."""

    rows: list[OrchestrationRow] = []

    def _topic(self) -> str:
        return live.ORCHESTRATIONS

    def _query(self) -> Callable[[], Any]:
        self._read_address()
        return partial(
            list_orchestrations,
            status=self.filters["status"],
            mode=self.filters["mode"],
            repository=self.filters["repository"],
            q=self.q,
            ended=self.filters["ended"],
            cursor=self.cursor,
            limit=50,
        )

    def _show(self, result: Page[OrchestrationRow]) -> None:
        self.rows = list(result.items)
        self.next_cursor = result.next_cursor or ""

    def _filter_names(self) -> tuple[str, ...]:
        return ("status", "mode", "repository", "ended")

    def _route(self) -> str:
        return routes.ORCHESTRATIONS
