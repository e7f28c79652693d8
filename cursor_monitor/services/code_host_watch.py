"""When the code host is asked: soon after something was pushed, rarely later, and never beyond what it allows."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain.code_host import Target, target_of
from cursor_monitor.domain.jobs import code_host_job
from cursor_monitor.services.tuning import current
from cursor_monitor.store import code_hosts, jobs, tables
from cursor_monitor.store.code_hosts import Place
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

_FRESH_SECONDS = 30.0
_UNSEEN_DAYS = 14
_UNSEEN_MOST = 200
_RESERVE = 100  # requests of the hour's budget that are left to others who use the token
_REQUESTS_A_LOOK = 6
_REQUESTS_A_MINUTE = 400  # well within the code host's secondary limit of 900 points


def want_look(session: Session, agent_id: str) -> None:
    """Have the code host asked about an agent's work, in this transaction; nothing where there is nothing to ask."""
    place = code_hosts.find_place(session, agent_id)
    if place is not None and where(place) is not None:
        jobs.enqueue(session, [code_host_job(agent_id, place.orchestration_id)])


@transactional
def want_fresh_look(session: Session, agent_id: str) -> None:
    """The same for somebody who looks at the agent now, unless that was done just before."""
    state = code_hosts.find_state(session, agent_id)
    asked = max((at for at in (state.observed_at, state.error_at) if at), default=None) if state else None
    if asked is None or (database_now(session) - asked).total_seconds() >= _FRESH_SECONDS:
        want_look(session, agent_id)


@transactional
def ensure_looks(session: Session) -> int:
    """See to it that all recent work is looked at, also that of agents launched elsewhere; how many are new."""
    host = current().code_host_web
    found = code_hosts.select_unseen(session, host, days=_UNSEEN_DAYS, most=_UNSEEN_MOST) if host else []
    for agent_id in found:
        want_look(session, agent_id)
    return len(found)


def where(place: Place) -> Target | None:
    """Where at the code host an agent's work is; None where no code host is asked, or it is elsewhere."""
    host = current().code_host_web
    return target_of(place.repository, place.branch, place.pr_url, place.ref, host) if host else None


def pace(session: Session) -> float:
    """The shortest wait between two looks at one agent's work, so that all looks together stay modest."""
    pending = code_hosts.count_pending(session)
    return max(current().code_host_seconds, (pending - 10) * _REQUESTS_A_LOOK * 60 / _REQUESTS_A_MINUTE)


def seconds_blocked(session: Session, limit: tables.CodeHostLimit | None) -> float:
    """How long the code host is not to be asked at all."""
    if limit is None:
        return 0.0
    now = database_now(session)
    until = limit.blocked_until
    is_spent = limit.remaining is not None and limit.remaining < min(_RESERVE, (limit.request_limit or 0) // 10)
    if is_spent and limit.reset_at is not None:
        until = max(until, limit.reset_at) if until else limit.reset_at
    return max((until - now).total_seconds(), 0.0) if until else 0.0
