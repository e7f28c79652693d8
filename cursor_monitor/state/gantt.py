"""The time of one orchestration as the page draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.gantt import WHOLE, Bar, Row
from cursor_monitor.queries.gantt import Gantt, get_gantt
from cursor_monitor.state.acting import ActingMixin
from cursor_monitor.state.live import LiveMixin, query_parameter


@dataclass(frozen=True, slots=True)
class BarView:
    """A stretch of time; `left` and `width` are CSS lengths."""

    id: str
    kind: str
    words: str
    left: str
    width: str
    start: str
    end: str  # empty while it goes on
    is_late: bool  # its words have no room to the right


@dataclass(frozen=True, slots=True)
class LineView:
    """A task's row."""

    key: str
    title: str
    is_critical: bool
    bars: list[BarView]


@dataclass(frozen=True, slots=True)
class TickView:
    """A mark on the axis."""

    left: str
    word: str


class GanttState(LiveMixin, ActingMixin, rx.State):
    """The rows and the axis; read only while they are what is shown."""

    lines: list[LineView] = []
    ticks: list[TickView] = []
    is_cut: bool = False
    _shown_id: str = ""

    def _is_shown(self) -> bool:
        return query_parameter(self, "tab") == "gantt"

    def _topic(self) -> str:
        return live.orchestration_topic(self._id()) if self._is_shown() else live.NOTHING

    def _query(self) -> Callable[[], Any]:
        if not self._is_shown():
            return _nothing
        if self._shown_id != self._id():
            self._shown_id, self.is_loaded, self.lines, self.ticks = self._id(), False, [], []
        at = query_parameter(self, "at", 9)
        return partial(get_gantt, self._id(), int(at) if at.isdecimal() and int(at) else None)

    def _show(self, result: Gantt | None) -> None:
        if result is None:
            return
        titles = {WHOLE: "Orchestration", **result.titles}
        self._put(
            lines=[_line(row, titles.get(row.key, row.key), bars) for row, bars in result.chart.rows],
            ticks=[TickView(f"{tick.left}%", tick.word) for tick in result.chart.ticks],
            is_cut=result.is_cut,
        )


def _nothing() -> None:
    return None


def _line(row: Row, title: str, bars: tuple[Bar, ...]) -> LineView:
    return LineView(row.key, title, row.is_critical, [_bar(number, bar) for number, bar in enumerate(bars)])


def _bar(number: int, bar: Bar) -> BarView:
    one = bar.stretch
    end = one.end.isoformat() if one.end else ""
    return BarView(
        str(number),
        one.kind,
        one.words[:300],
        f"{bar.left}%",
        f"{bar.width}%",
        one.start.isoformat(),
        end,
        bar.left > 60,
    )
