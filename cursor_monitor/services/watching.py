"""How often to look: at single runs while few work, by the list once there are many."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session

from cursor_monitor.services.tuning import current
from cursor_monitor.store import cache

CACHE_KEY = "watch"
WATCH_FROM = 4
"""From so many working agents on, a page of the list is cheaper than asking for each."""

_PAGE = 100
_LIST_SHARE = 0.5  # of the budget, for the list
_LOOK_SHARE = 0.2  # of the budget, for looks at single runs that no change of the list asked for
_MOST_MISSED = 4


def pass_seconds(working: int, youngest_age: float) -> float:
    """Seconds between two passes over the list: short while a run is young, never more than its share of the budget."""
    tuning = current()
    if working < WATCH_FROM:
        return tuning.observe_max_seconds
    pages = working / _PAGE + 1
    least = pages * 60 / (tuning.requests_per_minute * _LIST_SHARE)
    wanted = min(max(youngest_age / 10, tuning.observe_min_seconds), tuning.observe_max_seconds / 3)
    return max(least, wanted)


def look_seconds(started_at: datetime, now: datetime, working: int = 0) -> float:
    """Seconds until the next look at a run: a tenth of its age; a safety net where the list is watched too."""
    tuning = current()
    age = (now - started_at).total_seconds()
    wanted = min(max(age / 10, tuning.observe_min_seconds), tuning.observe_max_seconds)
    if working < WATCH_FROM:
        return wanted
    least = working * 60 / (tuning.requests_per_minute * _LOOK_SHARE)
    return max(wanted, least, tuning.observe_max_seconds)


def watched_agents(session: Session) -> int:
    """How many working agents the list is watched for, 0 where it is not, or not any more."""
    found = cache.get(session, CACHE_KEY)
    if found is None:
        return 0
    seconds = float(found[0]["seconds"])
    is_fresh = (datetime.now(UTC) - found[1]).total_seconds() < _MOST_MISSED * seconds + 10
    return int(found[0]["live"]) if is_fresh else 0
