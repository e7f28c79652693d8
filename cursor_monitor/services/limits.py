"""Limits that orchestrations share, held by any number of workers: looked up under a lock when something is begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.jobs import NewJob, advance_job
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.room import Room, Slots
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.engine import Decision, decide
from cursor_monitor.engine.budgets import is_crowded_out
from cursor_monitor.engine.rules.dispatch import waiting_for_room
from cursor_monitor.services.caps import Caps, caps_of, days_of
from cursor_monitor.store import slots

_BEGINS = (e.AttemptRequested, e.FollowUpRequested, e.AttemptReleased)
_LOOK_AGAIN_SECONDS = 60.0
_KNOWN = "caps"
_MAY_WAIT = (OrchestrationStatus.QUEUED, OrchestrationStatus.RUNNING)


def decide_within(session: Session, s: Snapshot, now: datetime) -> Decision:
    """Decide; where that begins something, once more with what others leave, which nobody can take meanwhile."""
    decision = decide(s, now)
    if not any(isinstance(event, _BEGINS) for event in decision.events):
        return decision
    room = _room(session, s, now)
    return decide(replace(s, room=room), now) if room != Room() else decision


def after_decision(session: Session, s: Snapshot, events: Sequence[e.Event], now: datetime) -> list[NewJob]:
    """Keep the place of what waits for a slot, look again in a while, and wake whose turn it is for what was freed."""
    begun = sum(isinstance(event, e.AttemptRequested) for event in events)
    if not _has_slots(session, s):
        if begun:  # it may have waited for a limit that is no more
            slots.stop_waiting(session, UUID(s.id))
        return []
    waiting = waiting_for_room(s, now, begun) if s.status in _MAY_WAIT else None
    freed = sum(isinstance(event, e.AttemptEnded) for event in events)
    if any(isinstance(event, e.OrchestrationBlocked) for event in events):
        freed += sum(not attempt.is_busy or attempt.is_held for attempt in s.live_attempts)
    if waiting is None:
        later = [advance_job(s.id, now + timedelta(seconds=_LOOK_AGAIN_SECONDS))] if is_crowded_out(s) else []
        return [*later, *leave_queue(session, s, freed=freed)]
    slots.wait(session, UUID(s.id), waiting, **_place(s), priority=s.options.priority, now=now)
    again = advance_job(s.id, now + timedelta(seconds=_LOOK_AGAIN_SECONDS))
    return [again, *(_woken(session, s, freed) if freed else [])]


def leave_queue(session: Session, s: Snapshot, *, freed: int = 0) -> list[NewJob]:
    """Wait no longer; whose turn is next is woken."""
    if not _has_slots(session, s):
        return []
    freed += slots.stop_waiting(session, UUID(s.id))
    return _woken(session, s, freed) if freed else []


def _woken(session: Session, s: Snapshot, freed: int) -> list[NewJob]:
    turn = slots.next_waiting(session, UUID(s.id), **_place(s), limit=freed + 1)
    return [advance_job(str(found)) for found in turn]


def _place(s: Snapshot) -> dict[str, str]:
    return {"account": s.account_id, "repository": s.repository}


def _caps(session: Session, s: Snapshot) -> Caps:
    """Read once in a transaction: what held when it was decided holds when that is written."""
    known = session.info.setdefault(_KNOWN, {})
    place = (s.account_id, s.repository)
    if place not in known:
        known[place] = caps_of(session, *place)
    return known[place]


def _has_slots(session: Session, s: Snapshot) -> bool:
    caps = _caps(session, s)
    return caps.account_agents is not None or caps.repository_agents is not None


def _room(session: Session, s: Snapshot, now: datetime) -> Room:
    caps = _caps(session, s)
    wanted = (("account", s.account_id, caps.account_agents), ("repository", s.repository, caps.repository_agents))
    for kind, key, allowed in wanted:  # always in this order, so that no two wait for each other
        if allowed is not None or (kind == "account" and caps.days):
            slots.lock(session, kind, key)
    found = [_slots(session, s, now, kind, key, allowed) for kind, key, allowed in wanted if allowed is not None]
    return Room(tuple(found), days_of(session, s.account_id, caps, now), caps.profile)


def _slots(session: Session, s: Snapshot, now: datetime, kind: str, key: str, allowed: int) -> Slots:
    before = slots.ahead(session, kind, key, orchestration_id=UUID(s.id), priority=s.options.priority, now=now)
    live, busy = slots.count_live(session, kind, key, UUID(s.id))
    return Slots(kind, live, allowed, before, busy)
