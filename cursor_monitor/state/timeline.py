"""The timeline of one orchestration: its events under the filters of the address, newest first, never all at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.errors import AppError
from cursor_monitor.domain.events import EVENT_TYPES
from cursor_monitor.domain.status import Level
from cursor_monitor.queries.orchestrations import EventRow, list_events
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.live import LiveMixin, query_parameter

_EVENTS = 100
_MOST_EVENTS = 1000
_MOST_SEQ = 2**31
_FILTERS = ("type", "level", "task")

_Found = tuple[list[EventRow], bool]


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as the page shows it; its payload comes once somebody opens it."""

    seq: int
    type: str
    level: str
    task_key: str | None
    message: str
    created_at: datetime


class TimelineState(LiveMixin, ActingMixin, rx.State):
    """The newest events that fit; read only while the timeline is what is shown."""

    events: list[EventView] = []
    payloads: dict[int, str] = {}  # of those that were opened, by seq
    filters: dict[str, str] = dict.fromkeys(_FILTERS, "")
    has_older: bool = False
    beyond: int = 0  # the event from which the page would go on, once it shows as many as it may
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

    @rx.event
    async def open_event(self, seq: int):
        """Show the payload of one event."""
        seq = int(seq)
        if seq in self.payloads or len(self.payloads) >= _MOST_EVENTS or not 0 < seq < _MOST_SEQ:
            return
        try:
            found = await asyncio.to_thread(list_events, self._id(), after=seq - 1, limit=1)
        except AppError as error:
            self.notice = error.message
        else:
            self.payloads |= {event.seq: _payload(event) for event in found.items if event.seq == seq}

    @rx.event
    def go_beyond(self):
        """Show the events before the oldest that is shown, as of then."""
        query = {"tab": "timeline", **{key: word for key, word in self.filters.items() if word}, "at": self.beyond}
        return rx.redirect(f"{routes.orchestration(self._id())}?{urlencode(query)}")

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
            self.payloads = {}
        self._put(filters=filters, is_filtered=any(filters.values()))
        at = query_parameter(self, "at", 9)
        return partial(_shared_read, self._id(), self._limit, int(at) if at.isdecimal() else 0, filters)

    def _show(self, result: tuple[()] | _Found) -> None:
        if result:
            events, has_older = result
            is_full = len(events) >= _MOST_EVENTS
            self._put(
                events=[_view(event) for event in events],
                has_older=has_older and not is_full,
                beyond=events[-1].seq - 1 if has_older and is_full else 0,
            )


async def _shared_read(orchestration_id: str, limit: int, at: int, filters: dict[str, str]) -> _Found:
    """Read once for all who look at the same."""
    topic = live.orchestration_topic(orchestration_id)
    name = f"{topic} timeline {limit} {at} {filters}"
    return await live.shared(name, topic, partial(_read, orchestration_id, limit, at, filters))


def _read(orchestration_id: str, limit: int, at: int, filters: dict[str, str]) -> _Found:
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
    return EventView(event.seq, event.type, event.level, event.task_key, event.message, event.created_at)


def _payload(event: EventRow) -> str:
    return json.dumps(event.payload, indent=2, ensure_ascii=False)
