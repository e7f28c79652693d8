"""The overview: the board, the numbers over it, and what happened last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.board import NEEDS_PERSON, Column
from cursor_monitor.queries.board import Board, Card
from cursor_monitor.queries.orchestrations import FeedRow
from cursor_monitor.queries.overview import Overview, get_overview
from cursor_monitor.state.live import LiveMixin, query_parameter

CARDS_SHOWN = 6
FEED_SHOWN = 30


class OverviewState(LiveMixin, rx.State):
    """What the first page shows; `only` is the column that the address asks for, whole."""

    _pace_seconds: ClassVar[float] = 0.25

    only: str = ""
    respond: list[Card] = []
    review: list[Card] = []
    merge: list[Card] = []
    working: list[Card] = []
    waiting: list[Card] = []
    done: list[Card] = []
    counts: dict[str, str] = {}  # of each column and of all that need a person, "200+" where there are more
    needs: int = 0
    agents_working: int = 0
    completed_day: int = 0
    failed_day: int = 0
    worker_words: str = ""
    is_worker_out: bool = False
    queue_words: str = ""
    is_queue_late: bool = False
    feed: list[FeedRow] = []
    news: int = 0  # rows that wait while the feed is read
    is_empty: bool = False
    _is_held: bool = False
    _newest: list[FeedRow] = []

    @rx.event
    def hold_feed(self):
        """Let nothing move while the feed is read."""
        self._is_held = True

    @rx.event
    def release_feed(self):
        """Go on, with what came meanwhile."""
        self._is_held = False
        self._put(feed=list(self._newest), news=0)

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        wanted = query_parameter(self, "column", 20)
        self._put(only=wanted if wanted in (*Column, "needs") else "")
        return _shared_overview

    def _show(self, result: Overview) -> None:
        self._show_board(result.board)
        self._show_feed(list(result.feed[:FEED_SHOWN]))
        late = (result.queue_oldest_seconds or 0) > 60
        self._put(
            agents_working=result.agents_working,
            completed_day=result.completed_day,
            failed_day=result.failed_day,
            worker_words=f"{result.workers_online} of {result.workers_known} online",
            is_worker_out=result.workers_online == 0,
            queue_words=_queue_words(result),
            is_queue_late=late or bool(result.dead_letters),
            is_empty=result.is_empty,
        )

    def _show_board(self, board: Board) -> None:
        counts = {lane.name: f"{len(lane.cards)}{'+' if lane.is_more else ''}" for lane in board.lanes}
        counts["needs"] = f"{len(board.needs)}{'+' if board.is_cut else ''}"
        for lane in board.lanes:
            asked = self.only == lane.name or (self.only == "needs" and lane.name in NEEDS_PERSON)
            cards = () if self.only and not asked else lane.cards if asked else lane.cards[:CARDS_SHOWN]
            self._put(**{lane.name: list(cards)})
        self._put(counts=counts, needs=len(board.needs))

    def _show_feed(self, rows: list[FeedRow]) -> None:
        self._newest = rows
        if not self._is_held:
            self._put(feed=rows, news=0)
            return
        shown = {(row.orchestration_id, row.seq) for row in self.feed}
        self._put(news=sum((row.orchestration_id, row.seq) not in shown for row in rows))


async def _shared_overview() -> Overview:
    return await live.shared("overview", live.EVERYTHING, get_overview)


def _queue_words(result: Overview) -> str:
    if result.queue_depth is None:
        return "unknown"
    words = [f"{result.queue_depth} due"]
    if result.queue_oldest_seconds:
        words.append(f"oldest {result.queue_oldest_seconds:.1f} s")
    if result.dead_letters:
        words.append(f"{result.dead_letters} given up")
    return ", ".join(words)
