"""The overview: what needs a person, what broke, what runs."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.queries.orchestrations import FeedRow, OrchestrationRow, list_feed, list_orchestrations
from cursor_monitor.store import overview as store
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts and the first rows behind each; the day is the last 24 hours."""

    needs_you: int  # orchestrations waiting or blocked
    running: int  # orchestrations queued, running or paused
    agents_working: int
    completed_today: int
    failed_today: int  # partial and error
    attention: tuple[OrchestrationRow, ...]  # waiting and blocked, newest first
    active: tuple[OrchestrationRow, ...]  # queued, running, paused
    finished: tuple[OrchestrationRow, ...]  # the newest that ended
    feed: tuple[FeedRow, ...]
    is_empty: bool  # no orchestration was ever made


def get_overview(rows: int = 8) -> Overview:
    """All that the overview page shows, in a handful of indexed reads."""
    with reading() as session:
        counts = store.count_by_status(session)
        today = store.count_ended_today(session)
        working = store.count_agents_working(session)
    attention = _of(OrchestrationStatus.WAITING, rows) + _of(OrchestrationStatus.BLOCKED, rows)
    active = (
        _of(OrchestrationStatus.RUNNING, rows)
        + _of(OrchestrationStatus.QUEUED, rows)
        + _of(OrchestrationStatus.PAUSED, rows)
    )
    finished = sorted(
        (row for status in ("completed", "partial", "error", "stopped") for row in _of(status, rows)),
        key=lambda row: row.completed_at or row.updated_at,
        reverse=True,
    )
    return Overview(
        needs_you=counts.get("waiting", 0) + counts.get("blocked", 0),
        running=counts.get("queued", 0) + counts.get("running", 0) + counts.get("paused", 0),
        agents_working=working,
        completed_today=today.get("completed", 0),
        failed_today=today.get("partial", 0) + today.get("error", 0),
        attention=attention,
        active=active[: rows * 2],
        finished=tuple(finished[:rows]),
        feed=list_feed(30),
        is_empty=not (attention or active or finished),
    )


def _of(status: str, limit: int) -> tuple[OrchestrationRow, ...]:
    return list_orchestrations(status=str(status), limit=limit).items
