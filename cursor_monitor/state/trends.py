"""Plots of the overview: what ended, how well, and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import reflex as rx

from cursor_monitor import live
from cursor_monitor.queries.trends import Span, Trends, get_trends
from cursor_monitor.services.tuning import current
from cursor_monitor.state.live import LiveMixin


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: percent of the plot's height in each tone, and what it says in words."""

    words: str
    good: float = 0.0
    bad: float = 0.0
    plain: float = 0.0


class TrendsState(LiveMixin, rx.State):
    """Three small plots and the money of today."""

    _pace_seconds: ClassVar[float] = 2.0

    hours: list[Bar] = []
    success: list[Bar] = []
    spend: list[Bar] = []
    hours_words: str = ""
    success_words: str = ""
    spend_words: str = ""
    spent_today: str = ""
    budget_words: str = ""
    is_near_budget: bool = False

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        return _shared_trends

    def _show(self, result: Trends) -> None:
        ended = [(span.completed, span.failed) for span in result.hours]
        most = max((good + bad for good, bad in ended), default=0)
        dearest = max((span.cents for span in result.days), default=0.0)
        today = datetime.now(UTC).date()
        self._put(
            hours=[_hour(span, most) for span in result.hours],
            success=[_success(span, today) for span in result.days],
            spend=[_spend(span, dearest, today) for span in result.days],
            hours_words=f"{sum(good for good, _ in ended)} completed, {sum(bad for _, bad in ended)} failed",
            success_words=_success_words(result.days),
            spend_words=f"{_money(sum(span.cents for span in result.days))} in 14 days",
        )
        self._show_money(result)

    def _show_money(self, result: Trends) -> None:
        allowed, spent = current().shared.day_cents, result.cents_today
        words = f"of {_money(allowed)} today" if allowed else "spent today, no budget set"
        if result.costs_unknown:
            unknown = "1 agent's cost" if result.costs_unknown == 1 else f"{result.costs_unknown} agents' costs"
            words += f"; {unknown} unknown"
        near = allowed is not None and spent >= allowed * 0.8
        self._put(spent_today=_money(spent), budget_words=words, is_near_budget=near)


async def _shared_trends() -> Trends:
    return await live.shared("trends", live.EVERYTHING, get_trends)


def _hour(span: Span, most: int) -> Bar:
    when = "in the last hour" if span.ago == 0 else f"{span.ago} h ago"
    words = f"{when}: {span.completed} completed, {span.failed} failed"
    return Bar(words, good=_share(span.completed, most), bad=_share(span.failed, most))


def _success(span: Span, today: Any) -> Bar:
    day = today - timedelta(days=span.ago)
    if span.success is None:
        return Bar(f"{day:%d %b}: nothing ended")
    words = f"{day:%d %b}: {span.success:.0%} of {span.completed + span.failed} completed"
    return Bar(words, good=round(span.success * 100, 1), bad=round(100 - span.success * 100, 1))


def _spend(span: Span, dearest: float, today: Any) -> Bar:
    day = today - timedelta(days=span.ago)
    words = f"{day:%d %b}: {_money(span.cents)}, {span.agents} agents begun"
    return Bar(words, plain=_share(span.cents, dearest))


def _success_words(days: tuple[Span, ...]) -> str:
    completed, failed = sum(span.completed for span in days), sum(span.failed for span in days)
    return f"{completed / (completed + failed):.0%} of {completed + failed}" if completed + failed else "nothing ended"


def _share(value: float, most: float) -> float:
    return round(value / most * 100, 1) if most else 0.0


def _money(cents: float) -> str:
    return f"${cents / 100:,.2f}"
