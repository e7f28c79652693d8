"""What an account and a repository allow in all: of the settings, the account and the profile, the tightest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.domain.profiles import Profile
from cursor_monitor.domain.room import Day
from cursor_monitor.services.tuning import current
from cursor_monitor.store import accounts, profiles, slots, spending, tables

AGENTS, FOLLOWUPS, CENTS = "agents", "follow-ups", "cents"


@dataclass(frozen=True, slots=True)
class DayCap:
    """What an account may begin or spend in a day, and what a person raises to allow more."""

    name: str
    allowed: int
    setting: str


@dataclass(frozen=True, slots=True)
class Caps:
    """All shared caps that hold for work of one account in one repository; None: no limit."""

    account_agents: int | None = None
    repository_agents: int | None = None
    days: tuple[DayCap, ...] = ()
    profile: Profile | None = None


def caps_of(session: Session, account_id: str, repository: str | None = None) -> Caps:
    """The caps for this account and repository, as they are now."""
    shared = current().shared
    account = accounts.find(session, account_id)
    profile = profiles.find_for(session, repository) if repository is not None else None
    return Caps(
        account_agents=_tighter(shared.account_agents, account.max_parallel_agents if account else None),
        repository_agents=_tighter(shared.repository_agents, profile.max_parallel_agents if profile else None),
        days=tuple(_days(account)),
        profile=profile,
    )


def days_of(session: Session, account_id: str, caps: Caps, now: datetime) -> tuple[Day, ...]:
    """What is used today of each cap of a day."""
    if not caps.days:
        return ()
    used = spending.of_day(session, account_id, now)
    spent = {AGENTS: used.agents, FOLLOWUPS: used.followups, CENTS: used.cents}
    return tuple(Day(cap.name, spent[cap.name], cap.allowed, cap.setting) for cap in caps.days)


def begin_by_hand(session: Session, account_id: str, now: datetime, *, agents: int = 0, followups: int = 0) -> None:
    """Count what a person begins outside any orchestration; raises Conflict where the account's day is used up."""
    caps = caps_of(session, account_id)
    if caps.days:
        slots.lock(session, "account", account_id)
    more = {AGENTS: agents, FOLLOWUPS: followups, CENTS: 0}
    for day in days_of(session, account_id, caps, now):
        is_over = day.used >= day.allowed if day.name == CENTS else day.used + more[day.name] > day.allowed
        if is_over and (more[day.name] or day.name == CENTS):
            raise Conflict(_day_is_over(day), code="day_budget", limit=day.allowed, used=day.used)
    spending.add(session, account_id, now, agents=agents, followups=followups)


def _day_is_over(day: Day) -> str:
    left = max(0.0, day.allowed - day.used)
    rest = f"; {left:g} are left" if left and day.name != CENTS else ""
    return (
        f"Today's limit of {day.allowed:g} {day.name} is reached for this account{rest}. "
        f"Wait until midnight UTC, have {day.setting} raised, or use another account."
    )


def _days(account: tables.CursorAccount | None) -> Iterator[DayCap]:
    shared = current().shared
    both = (
        (AGENTS, shared.day_agents, "MAX_AGENTS_PER_DAY", account.max_agents_per_day if account else None),
        (FOLLOWUPS, shared.day_followups, "MAX_FOLLOWUPS_PER_DAY", account.max_followups_per_day if account else None),
        (CENTS, shared.day_cents, "MAX_CENTS_PER_DAY", account.max_cents_per_day if account else None),
    )
    for name, general, setting, own in both:
        tighter = _tighter(general, own)
        if tighter is not None:
            raised = f"the {name} a day of account {account.name}" if account and tighter == own else setting
            yield DayCap(name, tighter, raised)


def _tighter(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
