"""The overview: counts, what needs a person, what runs, what ended, what happened last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.queries.orchestrations import FeedRow, OrchestrationRow
from cursor_monitor.queries.overview import Overview, get_overview
from cursor_monitor.state.live import LiveMixin


class OverviewState(LiveMixin, rx.State):
    """What the first page shows."""

    needs_you: int = 0
    running: int = 0
    agents_working: int = 0
    completed_today: int = 0
    failed_today: int = 0
    attention: list[OrchestrationRow] = []
    active: list[OrchestrationRow] = []
    finished: list[OrchestrationRow] = []
    feed: list[FeedRow] = []
    is_empty: bool = False

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        return get_overview

    def _show(self, result: Overview) -> None:
        self.needs_you = result.needs_you
        self.running = result.running
        self.agents_working = result.agents_working
        self.completed_today = result.completed_today
        self.failed_today = result.failed_today
        self.attention = list(result.attention)
        self.active = list(result.active)
        self.finished = list(result.finished)
        self.feed = list(result.feed)
        self.is_empty = result.is_empty
