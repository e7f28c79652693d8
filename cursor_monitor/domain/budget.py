"""How many requests a key may send: a token bucket that keeps room for what matters more and learns from refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

MOST_BLOCKED = timedelta(hours=1)
LEAST_PACE = 0.05
_BACKOFF = 0.7
_RECOVERY_PER_MINUTE = 0.1
_STRIKES_MEMORY = timedelta(minutes=1)
_STRIKE_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0)
_WINDOW = timedelta(minutes=1)
_BURST_SHARE = 0.2
# What is saved up for a burst is lacking in the steady flow, and a large fleet is watched by the flow.
_MOST_BURST = 8.0


class Urgency(StrEnum):
    """What a request is for, the most urgent first."""

    CONTROL = "control"
    LAUNCH = "launch"
    NEWS = "news"  # a look that somebody asked for: the list, a webhook, a person
    WATCH = "watch"  # the list of agents
    POLL = "poll"  # a look by routine
    LISTING = "listing"


# The share of the bucket that is left for the more urgent.
_RESERVE = {
    Urgency.CONTROL: 0.0,
    Urgency.LAUNCH: 0.1,
    Urgency.NEWS: 0.25,
    Urgency.WATCH: 0.4,
    Urgency.POLL: 0.6,
    Urgency.LISTING: 0.75,
}
# The share of the flow that nobody more urgent can take away for long.
_FLOOR = {Urgency.NEWS: 0.25, Urgency.WATCH: 0.25, Urgency.POLL: 0.02, Urgency.LISTING: 0.02}
_WAITS = "waits:"
# Those that were turned away come back one after the other, spread over at most so many seconds.
_SPREAD_SECONDS = {Urgency.NEWS: 30.0, Urgency.LAUNCH: 30.0, Urgency.POLL: 60.0, Urgency.LISTING: 600.0}


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of `burst` tokens that gains `per_second`; no window of its time sees more than was published."""

    burst: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What is known of one key's budget for one class of endpoints."""

    tokens: float
    refilled_at: datetime
    # By urgency: the next free moment to come back, and with _WAITS before it since when it is turned away.
    slots: Mapping[str, float] = field(default_factory=dict)
    pace: float = 1.0
    strikes: int = 0
    struck_at: datetime | None = None
    blocked_until: datetime | None = None
    seen_limit: int | None = None
    seen_remaining: int | None = None
    seen_reset_at: datetime | None = None
    seen_at: datetime | None = None


def limit_per_minute(requests: float) -> Limit:
    """The bucket that never lets more than `requests` pass in any minute."""
    burst = max(1.0, min(requests * _BURST_SHARE, _MOST_BURST))
    return Limit(burst, max(requests - burst, 0.5) / 60)


# Published: repositories once a minute and 30 times an hour; artifacts 300 a minute and 6000 an hour.
OWN_LIMITS = {"repositories": Limit(1.0, 29 / 3600), "artifacts": Limit(100.0, 5900 / 3600)}


def limit_of(endpoint: str, per_minute: int) -> Limit:
    """The limit of a class of endpoints, where a key may send `per_minute` requests of any kind."""
    return OWN_LIMITS.get(endpoint) or limit_per_minute(per_minute)


def take(budget: Budget, limit: Limit, urgency: Urgency, now: datetime) -> tuple[Budget, float]:
    """Take one token: the new budget, and 0 or the seconds after which to ask again."""
    usual, limit = slowed(budget, limit, now), effective(budget, limit, now)
    ends = _named_for(budget, now) if limit != usual else float("inf")
    full = refill(budget, limit, now)
    blocked = (full.blocked_until - now).total_seconds() if full.blocked_until else 0.0
    turn = _seconds_to_turn(full, limit, urgency, now)
    missing = 1 - full.tokens if turn <= 0 else 1 + _RESERVE[urgency] * (limit.burst - 1) - full.tokens
    if missing <= 1e-9 and blocked <= 0:
        slots = {name: at for name, at in full.slots.items() if name != _WAITS + urgency}
        return replace(full, tokens=max(full.tokens - 1, 0.0), slots=slots), 0.0
    soonest = min(missing / limit.per_second, max(turn, (1 - full.tokens) / limit.per_second))
    # A small number that holds for a moment must not send anybody away for longer than that moment.
    soonest, next_in = min((soonest, limit), (ends + 1 / usual.per_second, usual), key=lambda way: way[0])
    return _queued(full, next_in, urgency, max(soonest, blocked, 0.01), now)


def _seconds_to_turn(budget: Budget, limit: Limit, urgency: Urgency, now: datetime) -> float:
    """When one that waits may take what is kept for the more urgent, so that nobody waits for ever."""
    if urgency not in _FLOOR:
        return float("inf")
    since = budget.slots.get(_WAITS + urgency, now.timestamp())
    return since + 1 / (limit.per_second * _FLOOR[urgency]) - now.timestamp()


def learn(
    budget: Budget,
    now: datetime,
    *,
    refused: bool,
    seen_limit: int | None = None,
    remaining: int | None = None,
    reset_at: datetime | None = None,
    retry_after: float | None = None,
) -> Budget:
    """The budget after an answer: its numbers are believed, a refusal blocks for a while and slows the pace."""
    learnt = budget
    if refused and reset_at is None and retry_after is not None:
        reset_at = now + min(timedelta(seconds=min(retry_after, 3600.0)), MOST_BLOCKED)
    if seen_limit is not None or remaining is not None:
        learnt = replace(learnt, seen_limit=seen_limit, seen_remaining=remaining, seen_reset_at=reset_at, seen_at=now)
    if remaining is not None and not refused:
        learnt = replace(learnt, tokens=min(learnt.tokens, float(max(remaining, 0))))
        if remaining <= 0 and reset_at is not None:
            learnt = _blocked(learnt, reset_at, now)
    return _struck(learnt, retry_after, now) if refused else learnt


def effective(budget: Budget, limit: Limit, now: datetime) -> Limit:
    """The limit as slowed by refusals, and by a smaller number that Cursor named for the present window."""
    usual = slowed(budget, limit, now)
    if not budget.seen_limit or _named_for(budget, now) <= 0 or limit in OWN_LIMITS.values():
        return usual
    named = limit_per_minute(budget.seen_limit)
    return usual if named.per_second >= usual.per_second else Limit(min(named.burst, usual.burst), named.per_second)


def slowed(budget: Budget, limit: Limit, now: datetime) -> Limit:
    """The limit as slowed by refusals alone."""
    pace = pace_of(budget, now)
    return Limit(max(1.0, limit.burst * pace), limit.per_second * pace)


def _named_for(budget: Budget, now: datetime) -> float:
    """For how many seconds the number that Cursor named still holds."""
    if budget.seen_at is None:
        return 0.0
    until = min(budget.seen_reset_at or budget.seen_at + _WINDOW, budget.seen_at + MOST_BLOCKED)
    return (until - now).total_seconds()


def pace_of(budget: Budget, now: datetime) -> float:
    """The share of the limit that is used: less after refusals, recovering by the minute."""
    if budget.struck_at is None:
        return 1.0
    minutes = max((now - budget.struck_at).total_seconds(), 0.0) / 60
    return min(1.0, budget.pace + minutes * _RECOVERY_PER_MINUTE)


def refill(budget: Budget, limit: Limit, now: datetime) -> Budget:
    """The budget with what it gained since it was last looked at."""
    gained = max((now - budget.refilled_at).total_seconds(), 0.0) * limit.per_second
    tokens = min(limit.burst, budget.tokens + gained)
    return replace(budget, tokens=tokens, refilled_at=max(now, budget.refilled_at))


def _queued(budget: Budget, limit: Limit, urgency: Urgency, wait: float, now: datetime) -> tuple[Budget, float]:
    earliest = now.timestamp() + wait
    slot = max(earliest, budget.slots.get(urgency, 0.0))
    if slot > earliest + _SPREAD_SECONDS.get(urgency, 0.0):
        slot = earliest
    slots = {_WAITS + urgency: now.timestamp(), **budget.slots, urgency: slot + 1 / limit.per_second}
    return replace(budget, slots=slots), slot - now.timestamp()


def _struck(budget: Budget, retry_after: float | None, now: datetime) -> Budget:
    is_known = budget.blocked_until is not None and now < budget.blocked_until
    strikes = budget.strikes
    if budget.struck_at is not None and now - budget.struck_at > _STRIKES_MEMORY:
        strikes = 0
    own = _STRIKE_SECONDS[min(strikes, len(_STRIKE_SECONDS) - 1)]
    until = now + timedelta(seconds=min(own if retry_after is None else retry_after, 3600.0))
    blocked = _blocked(replace(budget, tokens=0.0), until, now)
    if is_known:  # the answers of one burst are one refusal
        return blocked
    pace = max(LEAST_PACE, pace_of(budget, now) * _BACKOFF)
    return replace(blocked, pace=pace, strikes=strikes + 1, struck_at=now)


def _blocked(budget: Budget, until: datetime, now: datetime) -> Budget:
    until = min(until, now + MOST_BLOCKED)
    return replace(budget, blocked_until=max(until, budget.blocked_until or until))
