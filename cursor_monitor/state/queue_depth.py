"""How deep the queue is and what the workers got done lately: the part of the page that changes all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.queries.queue import KindLine, Minute, Queue, get_queue
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.trends import Bar

_LATE_SECONDS = 60.0
_PACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DepthLine:
    """One kind of job in words; an empty word where there is nothing to say."""

    kind: str
    href: str
    due: int
    running: int
    scheduled: int
    dead: int
    dead_href: str
    oldest: str
    is_late: bool
    ended: str
    wait: str
    run: str


class QueueDepthState(LiveMixin, rx.State):
    """The sums, a line for each kind, and the last hour in two plots."""

    _pace_seconds: ClassVar[float] = _PACE_SECONDS

    lines: list[DepthLine] = []
    due: int = 0
    running: int = 0
    scheduled: int = 0
    dead: int = 0
    oldest: str = ""
    is_late: bool = False
    ended_bars: list[Bar] = []
    ended_words: str = ""
    wait_bars: list[Bar] = []
    wait_words: str = ""

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        return _shared_queue

    def _show(self, result: Queue) -> None:
        kinds, oldest = result.kinds, result.oldest_due_seconds
        self._put(
            lines=[_line(kind) for kind in kinds],
            due=sum(kind.due for kind in kinds),
            running=sum(kind.running for kind in kinds),
            scheduled=sum(kind.scheduled for kind in kinds),
            dead=sum(kind.dead for kind in kinds),
            oldest=spell_seconds(oldest) if oldest is not None else "none due",
            is_late=(oldest or 0.0) > _LATE_SECONDS,
        )
        self._show_plots(result.minutes)

    def _show_plots(self, minutes: Iterable[Minute]) -> None:
        shown = list(minutes)
        most = max((m.completed + m.failed for m in shown), default=0)
        slowest = max((m.wait_p95_seconds or 0.0 for m in shown), default=0.0)
        completed, failed = sum(m.completed for m in shown), sum(m.failed for m in shown)
        self._put(
            ended_bars=[_ended(minute, most) for minute in shown],
            ended_words=f"{completed:,} completed, {failed:,} given up",
            wait_bars=[_waited(minute, slowest) for minute in shown],
            wait_words=f"up to {spell_seconds(slowest)}" if slowest else "nothing began",
        )


def spell_seconds(seconds: float) -> str:
    """A duration in one word or two."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


async def _shared_queue() -> Queue:
    return await live.shared("queue", live.EVERYTHING, get_queue, least_seconds=_PACE_SECONDS)


def _line(kind: KindLine) -> DepthLine:
    oldest = kind.oldest_due_seconds
    return DepthLine(
        kind.kind,
        _href(kind.kind, ""),
        kind.due,
        kind.running,
        kind.scheduled,
        kind.dead,
        _href(kind.kind, "failed"),
        spell_seconds(oldest) if oldest is not None else "",
        (oldest or 0.0) > _LATE_SECONDS,
        f"{kind.completed + kind.failed:,}" if kind.completed + kind.failed else "",
        _both(kind.wait_p50_seconds, kind.wait_p95_seconds),
        _both(kind.run_p50_seconds, kind.run_p95_seconds),
    )


def _both(median: float | None, most: float | None) -> str:
    if median is None or most is None:
        return ""
    return f"{spell_seconds(median)} / {spell_seconds(most)}"


def _href(kind: str, status: str) -> str:
    return f"{routes.QUEUE}?{urlencode({'kind': kind, **({'status': status} if status else {})})}"


def _ended(minute: Minute, most: int) -> Bar:
    words = f"{_when(minute)}: {minute.completed} completed, {minute.failed} given up, {minute.tried_again} tried again"
    return Bar(words, good=_share(minute.completed, most), bad=_share(minute.failed, most))


def _waited(minute: Minute, slowest: float) -> Bar:
    if minute.wait_p50_seconds is None or minute.wait_p95_seconds is None:
        return Bar(f"{_when(minute)}: nothing began")
    half, most = spell_seconds(minute.wait_p50_seconds), spell_seconds(minute.wait_p95_seconds)
    return Bar(
        f"{_when(minute)}: half within {half}, 95 % within {most}", plain=_share(minute.wait_p95_seconds, slowest)
    )


def _when(minute: Minute) -> str:
    return "in the last minute" if minute.ago == 0 else f"{minute.ago} min ago"


def _share(value: float, most: float) -> float:
    return round(value / most * 100, 1) if most else 0.0
