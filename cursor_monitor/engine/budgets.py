"""What is used of each budget, and whether one more agent or follow-up fits; unknown cost is unknown, never nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cursor_monitor.domain.budgets import CODES, COST_UNKNOWN, COST_WAIT_MINUTES, DAY_BUDGET, NEAR_SHARE, NO_SLOT
from cursor_monitor.domain.orchestration import Attempt, Snapshot
from cursor_monitor.domain.room import Day
from cursor_monitor.domain.status import RUN_TERMINAL


@dataclass(frozen=True, slots=True)
class Use:
    """One budget: what is used, what is allowed (None: no limit), and of how many agents the cost is not known."""

    budget: str
    used: float
    allowed: float | None
    unknown: int = 0

    @property
    def is_near(self) -> bool:
        """True once most of it is used."""
        return self.allowed is not None and self.used >= NEAR_SHARE * self.allowed


@dataclass(frozen=True, slots=True)
class Closed:
    """Why nothing more may be started; it only `waits` where what is under way may change that."""

    code: str
    summary: str
    waits: bool = False


def uses(s: Snapshot, now: datetime) -> tuple[Use, ...]:
    """All four budgets."""
    attempts = _attempts(s)
    hours = ((s.completed_at or now) - s.started_at).total_seconds() / 3600 if s.started_at else 0.0
    cents = round(sum(a.cents or 0.0 for a in attempts), 4)
    return (
        Use("max_agents", len(attempts), s.allowance or s.options.max_agents),
        Use("max_followups", sum(a.iterations for a in attempts), s.options.max_followups),
        Use("budget_cents", cents, s.options.budget_cents, sum(_is_cost_open(a) or _is_untold(a) for a in attempts)),
        Use("wall_hours", max(hours, 0.0), s.options.wall_hours),
    )


def closed_for(s: Snapshot, now: datetime, *, agents: int = 0, followups: int = 0) -> Closed | None:
    """Why so many more agents and follow-ups may not be started now; None where they may."""
    by_name = {use.budget: use for use in uses(s, now)}
    busy = any(a.is_busy for a in _attempts(s))
    wall = by_name["wall_hours"]
    if wall.allowed is not None and wall.used >= wall.allowed:
        return _used_up(wall, "hours of the budget have passed", waits=False)
    if followups and is_crowded_out(s):
        return Closed(NO_SLOT, "Others work in the slots that it gave back; it goes on once one is free.", waits=True)
    for name, more in (("max_agents", agents), ("max_followups", followups)):
        use = by_name[name]
        if more and use.allowed is not None and use.used + more > use.allowed:
            word = "agents" if name == "max_agents" else "follow-ups"
            return _used_up(use, f"{word} of the budget are used", waits=busy)
    wanted = {"agents": agents, "follow-ups": followups, "cents": 1 if agents or followups else 0}
    for day in s.room.day:
        spent = day.used + wanted[day.name] > day.allowed if day.name != "cents" else day.used >= day.allowed
        if wanted[day.name] and spent:
            return Closed(DAY_BUDGET, _day_summary(day), waits=busy)
    return _closed_by_cost(s, now, by_name["budget_cents"], agents + followups)


def is_crowded_out(s: Snapshot) -> bool:
    """True where others work in the slots that it gave back while it was blocked, so that its own agents wait."""
    at_work = sum(any(a.is_busy and not a.is_held for a in task.attempts) for task in s.worked_on)
    return any(slots.others_busy + at_work >= slots.allowed and slots.others_busy for slots in s.room.slots)


def wake_times(s: Snapshot) -> list[datetime]:
    """When time alone changes what a budget says."""
    times: list[datetime] = []
    if s.options.wall_hours is not None and s.started_at is not None:
        shares = (1.0,) if "wall_hours" in s.warned else (NEAR_SHARE, 1.0)
        # A moment later, so that no rounding of hours lets a look come too early.
        times += [s.started_at + timedelta(hours=s.options.wall_hours * share, seconds=0.01) for share in shares]
    if s.options.budget_cents is not None:
        times += [_told_by(a) for a in _attempts(s) if _is_cost_open(a)]
    return times


def _closed_by_cost(s: Snapshot, now: datetime, use: Use, more: int) -> Closed | None:
    if use.allowed is None:
        return None
    attempts = _attempts(s)
    busy = sum(a.is_busy for a in attempts)
    if use.used >= use.allowed:
        return _used_up(use, "cents of the budget are spent", waits=busy > 0)
    if _awaited(attempts, now):
        return Closed(CODES["budget_cents"], "The cost of the newest runs is not told yet.", waits=True)
    unknown = len(_unknown(attempts, now))
    if unknown and COST_UNKNOWN not in s.warned:
        summary = (
            f"Cursor does not tell the cost of {unknown} agent{'s' if unknown != 1 else ''}, so the budget of "
            f"{use.allowed:g} cents cannot be kept. Resume to go on and count only what is known, or cancel."
        )
        return Closed(COST_UNKNOWN, summary, waits=busy > 0)
    expected = max((a.cents / _runs(a) for a in attempts if a.cents is not None), default=0.0)
    started = busy + more - 1
    if started > 0 and use.used + started * expected >= use.allowed:
        return Closed(CODES["budget_cents"], "What is under way may use the rest of the cents.", waits=busy > 0)
    return None


def _day_summary(day: Day) -> str:
    return (
        f"Today's limit of {day.allowed:g} {day.name} is reached, over all that the account begins. "
        f"Resume after midnight UTC, or have {day.setting} raised."
    )


def _used_up(use: Use, what: str, *, waits: bool) -> Closed:
    used = f"{use.used:.2f}".rstrip("0").rstrip(".")
    unknown = f" (the cost of {use.unknown} agents is unknown and not in it)" if use.unknown else ""
    summary = f"{used} of {use.allowed:g} {what}{unknown}. Raise {use.budget} to go on, or cancel."
    return Closed(CODES[use.budget], summary, waits)


def _attempts(s: Snapshot) -> list[Attempt]:
    return [attempt for task in s.worked_on for attempt in task.attempts]


def _is_cost_open(a: Attempt) -> bool:
    return a.run is not None and a.run.status in RUN_TERMINAL and a.costed_run_id != a.run.id


def _told_by(a: Attempt) -> datetime:
    ended = a.run.ended_at or a.run.started_at if a.run is not None else a.requested_at
    return ended + timedelta(minutes=COST_WAIT_MINUTES)


def _awaited(attempts: list[Attempt], now: datetime) -> list[Attempt]:
    return [a for a in attempts if _is_cost_open(a) and now < _told_by(a)]


def _unknown(attempts: list[Attempt], now: datetime) -> list[Attempt]:
    return [a for a in attempts if (_is_cost_open(a) and now >= _told_by(a)) or _is_untold(a)]


def _is_untold(a: Attempt) -> bool:
    return a.costed_run_id is not None and a.cents is None


def _runs(a: Attempt) -> int:
    return 1 + sum(f.run_id is not None for f in a.followups)
