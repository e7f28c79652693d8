"""The timeline of one orchestration: its events under the filters of the address, newest first, never all at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.events import EVENT_TYPES
from cursor_monitor.domain.status import Level
from cursor_monitor.queries.orchestrations import EventRow, list_events
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.live import LiveMixin, query_parameter

_EVENTS = 100
_MOST_EVENTS = 1000
_FILTERS = ("type", "level", "task")


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as the page shows it, its payload as text."""

    seq: int
    type: str
    level: str
    task_key: str | None
    message: str
    payload: str
    created_at: datetime


class TimelineState(LiveMixin, ActingMixin, rx.State):
    """The newest events that fit; read only while the timeline is what is shown."""

    events: list[EventView] = []
    filters: dict[str, str] = dict.fromkeys(_FILTERS, "")
    has_older: bool = False
    is_filtered: bool = False
    _limit: int = _EVENTS
    _shown: str = ""

    @rx.event
    def set_filter(self, name: str, value: str):
        """Show events of one type, level or task only."""
        if name not in _FILTERS:
            return None
        wanted = {**self.filters, name: str(value)[:200]}
        query = {"tab": "timeline", **{key: word for key, word in wanted.items() if word}}
        if moment := query_parameter(self, "at", 9):
            query["at"] = moment
        return rx.redirect(f"{routes.orchestration(self._id())}?{urlencode(query)}")

    @rx.event
    def clear_filters(self):
        """All events again."""
        return rx.redirect(f"{routes.orchestration(self._id())}?tab=timeline")

    @rx.event
    def load_older(self):
        """Show more of the timeline."""
        self._limit = min(self._limit + _EVENTS, _MOST_EVENTS)
        return TimelineState.watch

    def _is_shown(self) -> bool:
        return query_parameter(self, "tab") == "timeline"

    def _topic(self) -> str:
        return live.orchestration_topic(self._id()) if self._is_shown() else live.NOTHING

    def _query(self) -> Callable[[], Any]:
        if not self._is_shown():
            return tuple
        filters = {name: query_parameter(self, name).replace("\x00", "") for name in _FILTERS}
        shown = f"{self._id()} {filters}"
        if self._shown != shown:
            self._shown, self._limit, self.events, self.is_loaded = shown, _EVENTS, [], False
        self._put(filters=filters, is_filtered=any(filters.values()))
        at = query_parameter(self, "at", 9)
        return partial(_read, self._id(), self._limit, int(at) if at.isdecimal() else 0, filters)

    def _show(self, result: tuple[()] | tuple[list[EventRow], bool]) -> None:
        if result:
            events, has_older = result
            self.events = [_view(event) for event in events]
            self.has_older = has_older and len(events) < _MOST_EVENTS


def _read(orchestration_id: str, limit: int, at: int, filters: dict[str, str]) -> tuple[list[EventRow], bool]:
    events: list[EventRow] = []
    before = at + 1 if at else None
    kind = filters["type"] if filters["type"] in EVENT_TYPES else None
    level = filters["level"] if filters["level"] in tuple(Level) else None
    while len(events) < limit:
        page = list_events(
            orchestration_id,
            newest_first=True,
            before=before,
            limit=_EVENTS,
            kind=kind,
            level=level,
            task=filters["task"] or None,
        )
        events.extend(page.items)
        if page.next_cursor is None:
            return events, False
        before = int(page.next_cursor)
    return events, True


def _view(event: EventRow) -> EventView:
    payload = json.dumps(event.payload, indent=2, ensure_ascii=False)
    return EventView(event.seq, event.type, event.level, event.task_key, event.message, payload, event.created_at)
