"""The list of orchestrations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.queries.accounts import AccountName, list_names
from cursor_monitor.queries.orchestrations import OrchestrationRow, list_orchestrations
from cursor_monitor.queries.page import Page
from cursor_monitor.state.account_choice import AccountChoiceMixin
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.paging import PagingMixin


class OrchestrationsState(LiveMixin, PagingMixin, AccountChoiceMixin, rx.State):
    """One page of orchestrations, newest first, under the filters of the address."""

    _pace_seconds: ClassVar[float] = 0.25  # it changes with every commit of any of them

    rows: list[OrchestrationRow] = []

    def _topic(self) -> str:
        return live.ORCHESTRATIONS

    def _query(self) -> Callable[[], Any]:
        self._read_address()
        return partial(
            _shared_read,
            status=self.filters["status"],
            mode=self.filters["mode"],
            repository=self.filters["repository"],
            q=self.q,
            account=self.filters["account"],
            ended=self.filters["ended"],
            cursor=self.cursor,
            limit=50,
        )

    def _show(self, result: tuple[Page[OrchestrationRow], tuple[AccountName, ...]]) -> None:
        page, accounts = result
        self._put(rows=list(page.items), accounts=list(accounts), next_cursor=page.next_cursor or "")

    def _filter_names(self) -> tuple[str, ...]:
        return ("status", "mode", "repository", "account", "ended")

    def _route(self) -> str:
        return routes.ORCHESTRATIONS


async def _shared_read(**wanted: Any) -> tuple[Page[OrchestrationRow], tuple[AccountName, ...]]:
    """Read once for all who look at the same."""
    return await live.shared(f"orchestrations {wanted}", live.ORCHESTRATIONS, partial(_read, **wanted))


def _read(**wanted: Any) -> tuple[Page[OrchestrationRow], tuple[AccountName, ...]]:
    return list_orchestrations(**wanted), list_names()
