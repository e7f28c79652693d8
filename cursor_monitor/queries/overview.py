"""The overview: what needs a person, what broke, what runs, what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.queries.board import Board, get_board
from cursor_monitor.queries.health import get_health
from cursor_monitor.queries.orchestrations import FeedRow, list_feed
from cursor_monitor.store import overview as store
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class Overview:
    """The board, the numbers over it, and what happened last; a day is the last 24 hours."""

    board: Board
    feed: tuple[FeedRow, ...]
    agents_working: int
    completed_day: int
    failed_day: int  # partial and error
    workers_online: int
    workers_known: int
    queue_depth: int | None  # due or running; None while it is not known
    queue_oldest_seconds: float | None  # how long the oldest due job waits
    dead_letters: int | None
    is_empty: bool  # nothing was ever made here or seen at Cursor


def get_overview(feed_rows: int = 50) -> Overview:
    """All that the overview shows and that changes with each commit."""
    with reading() as session:
        ended = store.count_ended_today(session)
        working = store.count_agents_working(session)
        has_any = store.has_any(session)
    health = get_health()
    outbox = next(part.facts for part in health.components if part.name == "outbox")
    return Overview(
        board=get_board(),
        feed=list_feed(feed_rows),
        agents_working=working,
        completed_day=ended.get("completed", 0),
        failed_day=ended.get("partial", 0) + ended.get("error", 0),
        workers_online=sum(worker.status == "online" for worker in health.workers),
        workers_known=len(health.workers),
        queue_depth=outbox.get("depth"),
        queue_oldest_seconds=outbox.get("oldest_due_seconds"),
        dead_letters=outbox.get("dead_letters"),
        is_empty=not has_any,
    )
