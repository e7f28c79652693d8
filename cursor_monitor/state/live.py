"""Keep a page fresh for as long as it is open: one loop per page, woken by commits, ended by leaving the page."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import reflex as rx

from cursor_monitor.domain.errors import AppError, NotFound, Unavailable
from cursor_monitor.live import feed
from cursor_monitor.state.passing import leave, may_go_on

_COALESCE_SECONDS = 0.03
_WITHOUT_NEWS_SECONDS = 15.0


class LiveMixin(rx.State, mixin=True):
    """A page says what it watches (`_topic`), how it is read (`_query`) and shown (`_show`); the rest is here."""

    is_loaded: bool = False
    is_missing: bool = False
    is_stale: bool = False
    as_of: str = ""
    page_error: str = ""

    _pace_seconds: ClassVar[float] = _COALESCE_SECONDS

    @rx.event(background=True, supersedes=True)
    async def watch(self):
        """Read, show, wait for a change, again; what was last known stays while the database is out."""
        while True:
            if not await may_go_on():
                return leave()
            async with self:
                topic = self._topic()
                seen = feed.version(topic)
                query = self._query()
            try:
                result = await _answer(query)
            except AppError as error:
                async with self:
                    self._fail(error)
            else:
                async with self:
                    self._succeed(result)
            if await feed.changed(topic, seen, _WITHOUT_NEWS_SECONDS) != seen:
                await asyncio.sleep(self._pace_seconds)  # a burst of commits is one refresh

    def _topic(self) -> str:
        raise NotImplementedError

    def _query(self) -> Callable[[], Any]:
        raise NotImplementedError

    def _show(self, result: Any) -> None:
        raise NotImplementedError

    def _put(self, **values: Any) -> None:
        """Set what differs; what is as it was is not sent again."""
        for name, value in values.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    def _succeed(self, result: Any) -> None:
        self._show(result)
        self.is_loaded = True
        self.is_missing = False
        self.is_stale = False
        self.page_error = ""
        self.as_of = datetime.now(UTC).isoformat()

    def _fail(self, error: AppError) -> None:
        self.is_stale = isinstance(error, Unavailable)
        self.is_missing = isinstance(error, NotFound)
        self.page_error = "" if self.is_stale else error.message
        self.is_loaded = self.is_loaded or not self.is_stale


async def _answer(query: Callable[[], Any]) -> Any:
    return await (query() if inspect.iscoroutinefunction(query) else asyncio.to_thread(query))


def query_parameter(state: rx.State, name: str, most: int = 300) -> str:
    """A parameter of the page's address, or nothing."""
    return str(state.router.url.query_parameters.get(name, ""))[:most]
