"""How much ended, how well, and what it cost, over time; what did not happen has no value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cursor_monitor.store import overview as store
from cursor_monitor.store.database import reading

HOURS, DAYS = 24, 14
_FAILED = ("partial", "error")


@dataclass(frozen=True, slots=True)
class Span:
    """An hour or a day, so many `ago`: what ended in it, and what was spent."""

    ago: int
    completed: int = 0
    failed: int = 0
    cents: float = 0.0
    agents: int = 0

    @property
    def success(self) -> float | None:
        """The share that completed, None where nothing ended."""
        ended = self.completed + self.failed
        return self.completed / ended if ended else None


@dataclass(frozen=True, slots=True)
class Trends:
    """The last 24 hours and the last 14 days (UTC), the oldest first; the last day is today."""

    hours: tuple[Span, ...]
    days: tuple[Span, ...]
    costs_unknown: int  # agents of today whose cost Cursor has not told

    @property
    def cents_today(self) -> float:
        """What is known to have been spent today."""
        return self.days[-1].cents


def get_trends() -> Trends:
    """Summed up by the database."""
    with reading() as session:
        hours = _ended(store.ended_by_hour(session))
        days = _ended(store.ended_by_day(session))
        spent = {row["ago"]: row for row in store.spent_by_day(session)}
        unknown = store.count_costs_unknown(session)
    return Trends(
        tuple(Span(ago, *hours[ago]) for ago in reversed(range(HOURS))),
        tuple(Span(ago, *days[ago], *_money(spent.get(ago))) for ago in reversed(range(DAYS))),
        unknown,
    )


def _ended(rows: Iterable[Any]) -> dict[int, tuple[int, int]]:
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["status"] == "completed" or row["status"] in _FAILED:
            found[row["ago"]][row["status"] in _FAILED] += row["number"]
    return defaultdict(lambda: (0, 0), {ago: (good, bad) for ago, (good, bad) in found.items()})


def _money(row: Any) -> tuple[float, int]:
    return (float(row["cents"]), int(row["agents"])) if row is not None else (0.0, 0)
