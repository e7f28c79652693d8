"""Where agents said or did something: the words in the address, the best matches on the page."""

from __future__ import annotations

import asyncio

import reflex as rx

from cursor_monitor import routes
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries.conversation import FoundRow, search_conversations
from cursor_monitor.state.paging import PagingMixin


class SearchState(PagingMixin, rx.State):
    """The best matches for the words of the address."""

    rows: list[FoundRow] = []
    is_loaded: bool = False
    page_error: str = ""

    @rx.event
    async def load(self):
        """Look for the words; what cannot be looked for is said, with how to mend it."""
        self._read_address()
        self.rows, self.page_error = [], ""
        if self.q.strip():
            try:
                found = await asyncio.to_thread(search_conversations, self.q, limit=50)
            except AppError as error:
                self.page_error = error.message
            else:
                self.rows = list(found.items)
        self.is_loaded = True

    def _filter_names(self) -> tuple[str, ...]:
        return ()

    def _route(self) -> str:
        return routes.SEARCH
