"""How often to look: at single runs while few work, by the list once there are many."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlmodel import Session

from cursor_monitor.services.tuning import current
from cursor_monitor.store import cache, tables
from cursor_monitor.store.events import database_now

PAGE = 100
WATCH_FROM = 4
"""From so many working agents on, a page of the list is cheaper than asking for each."""

_GOAL_SECONDS = 4.0  # between two passes, where the budget is enough for that
_EAGER_SHARE = 0.5  # of the budget, for passes that are shorter than the goal
_LOOK_SHARE = 0.02  # of the budget, for looks at single runs that no change of the list asked for
_MOST_MISSED = 4


def cache_key(account_id: str) -> str:
    """Where the newest pass over an account's list is kept."""
    return cache.account_key("watch", account_id)


def pass_seconds(working: int, youngest_age: float) -> float:
    """Seconds from one pass over the list to the next; where the budget is too small for it, the governor stretches."""
    tuning = current()
    if working < WATCH_FROM:
        return tuning.observe_max_seconds
    cheap = (working / PAGE + 1) * 60 / (tuning.requests_per_minute * _EAGER_SHARE)
    wanted = max(youngest_age / 10, tuning.observe_min_seconds)
    return min(max(wanted, min(cheap, _GOAL_SECONDS)), max(_GOAL_SECONDS, tuning.observe_min_seconds))


def look_seconds(started_at: datetime, now: datetime) -> float:
    """Seconds until the next look at a run that only such looks tell of: a tenth of its age."""
    tuning = current()
    age = (now - started_at).total_seconds()
    return min(max(age / 10, tuning.observe_min_seconds), tuning.observe_max_seconds)


def routine_seconds(working: int) -> float:
    """Seconds after which a run that the list is watched for gets a look of its own, in case the list is wrong."""
    tuning = current()
    return max(working * 60 / (tuning.requests_per_minute * _LOOK_SHARE), tuning.observe_max_seconds)


def routine_looks(seconds: float) -> int:
    """How many such looks a pass of so many seconds may ask for."""
    return max(1, math.floor(current().requests_per_minute * _LOOK_SHARE * seconds / 60))


def watched_since(session: Session, agent: tables.Agent) -> datetime | None:
    """Before when a look at this agent is out of date, None where the list is not watched for it, or not any more."""
    found = cache.get(session, cache_key(agent.account_id))
    if found is None or found[0]["live"] < WATCH_FROM or found[0].get("failing_since"):
        return None
    if found[0]["ended_at"] and agent.id in found[0]["left"]:
        return None  # the last pass did not see it
    now = database_now(session)
    if (now - found[1]).total_seconds() >= _MOST_MISSED * float(found[0]["seconds"]) + 10:
        return None
    return now - timedelta(seconds=routine_seconds(int(found[0]["live"])))
