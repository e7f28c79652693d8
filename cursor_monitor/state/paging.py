"""Filters and pages that live in the address, so that every view can be linked and Back works."""

from __future__ import annotations

from urllib.parse import urlencode

import reflex as rx

from cursor_monitor.state.live import query_parameter


class PagingMixin(rx.State, mixin=True):
    """Filters of a list, each a parameter of the address."""

    q: str = ""
    filters: dict[str, str] = {}
    cursor: str = ""
    next_cursor: str = ""

    @rx.var
    def is_filtered(self) -> bool:
        """True where not everything is shown."""
        return bool(self.q or any(self.filters.values()))

    @rx.event
    def set_q(self, value: str):
        """Search."""
        return self._go(q=value, cursor="")

    @rx.event
    def set_filter(self, name: str, value: str):
        """Filter by one of the names this list knows."""
        if name in self._filter_names():
            return self._go(**{name: value, "cursor": ""})
        return None

    @rx.event
    def next_page(self):
        """Older rows."""
        return self._go(cursor=self.next_cursor)

    @rx.event
    def first_page(self):
        """The newest rows."""
        return self._go(cursor="")

    @rx.event
    def clear_filters(self):
        """Everything again."""
        return rx.redirect(self._route())

    def _read_address(self) -> None:
        self.q = query_parameter(self, "q")
        self.cursor = query_parameter(self, "cursor", 2000)
        self.filters = {name: query_parameter(self, name) for name in self._filter_names()}

    def _go(self, **changes: str):
        wanted = {"q": self.q, **self.filters, "cursor": self.cursor, **changes}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return rx.redirect(f"{self._route()}?{query}" if query else self._route())

    def _filter_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _route(self) -> str:
        raise NotImplementedError
