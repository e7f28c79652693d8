"""One look at an agent's work at the code host, and what becomes of it: rows, events, the time of the next look."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cursor_monitor.codehost.api import CodeHost, Look, Memory, Tally
from cursor_monitor.codehost.errors import CodeHostError
from cursor_monitor.domain import events as e
from cursor_monitor.domain.code_host import GREEN, CodeHostFacts, Target, seconds_to_next_look, summarise
from cursor_monitor.domain.jobs import ClaimedJob, Done, LeaseLost, Outcome, Settled, Snooze
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.code_host_watch import pace, seconds_blocked, where
from cursor_monitor.services.effects import locate
from cursor_monitor.services.tuning import current
from cursor_monitor.store import agents, code_hosts, jobs, notices
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

_TOKEN_SECONDS = 300.0
_SPREAD_SECONDS = 5.0
# Of the shortest wait: so much longer after an answer that does not come, and after one that will hardly change.
_PATIENCE = {"unavailable": 4, "access": 40}


@dataclass(frozen=True, slots=True)
class _Errand:
    target: Target | None
    memory: Memory
    blocked: float


async def observe_code_host(job: ClaimedJob, host: CodeHost) -> Outcome:
    """Look at an agent's work; write what is new, and look again for as long as something is expected."""
    agent_id = job.agent_id or ""
    errand = await asyncio.to_thread(_load, agent_id)
    if errand.target is None:
        return Done()
    if errand.blocked > 0:
        return Snooze(errand.blocked + _spread(agent_id), forgets=False)
    tally = Tally()
    try:
        look = await host.look(errand.target, errand.memory, tally)
    except CodeHostError as error:
        return await asyncio.to_thread(_record_failure, job, errand.target, error, tally)
    wait = await asyncio.to_thread(_record, job, errand.target, look, tally)
    return Settled() if wait is None else Snooze(wait)


def _load(agent_id: str) -> _Errand:
    with reading() as session:
        place = code_hosts.find_place(session, agent_id)
        target = where(place) if place else None
        state = code_hosts.find_state(session, agent_id)
        blocked = seconds_blocked(session, code_hosts.find_limit(session, current().code_host_account))
    is_same = state is not None and target is not None and state.repository == target.repository
    return _Errand(target, state.answers if state and is_same else {}, blocked)


def _spread(agent_id: str) -> float:
    """Those who wait for one moment do not all come in it."""
    return zlib.crc32(agent_id.encode()) % 1000 / 1000 * _SPREAD_SECONDS


@transactional
def _record(session: Session, job: ClaimedJob, target: Target, look: Look, tally: Tally) -> float | None:
    agent_id = job.agent_id or ""
    now = database_now(session)
    facts = _facts(look, now)
    _tell_engine(session, agent_id, facts)
    known = code_hosts.find_state(session, agent_id)
    values = _values(target, look, facts)
    is_news = known is None or any(getattr(known, name) != value for name, value in values.items())
    changed_at = now if known is None or is_news else known.changed_at
    fine = {"error_kind": None, "error_message": None, "error_at": None}
    times = {"changed_at": changed_at, "observed_at": now}
    code_hosts.save_state(session, agent_id=agent_id, answers=look.memory, **times, **fine, **values)
    learn_cost(session, tally)
    if is_news or known is None or known.error_kind is not None:
        notices.announce(session, f"agent:{agent_id}")
    wait = _wait(session, agent_id, facts, (now - changed_at).total_seconds())
    _settle(session, job, wait)
    return wait


@transactional
def _record_failure(session: Session, job: ClaimedJob, target: Target, error: CodeHostError, tally: Tally) -> Outcome:
    agent_id = job.agent_id or ""
    now = database_now(session)
    unknown = CodeHostFacts(None, None, "unknown", (), None, now)
    if error.kind in ("token", "access"):
        _tell_engine(session, agent_id, unknown, only_first=True)
    known = code_hosts.find_state(session, agent_id)
    changed_at = known.changed_at if known else now
    place = {"repository": target.repository, "branch": target.branch}
    failed = {"error_kind": error.kind, "error_message": error.message, "error_at": now}
    code_hosts.save_state(session, agent_id=agent_id, changed_at=changed_at, **place, **failed)
    blocked = {"limited": error.retry_after, "token": _TOKEN_SECONDS}.get(error.kind)
    learn_cost(session, tally, error, blocked)
    if known is None or known.error_kind != error.kind:
        notices.announce(session, f"agent:{agent_id}")
    wait = blocked
    if wait is None:
        usual = _wait(session, agent_id, unknown, (now - changed_at).total_seconds())
        wait = None if usual is None else max(usual, current().code_host_seconds * _PATIENCE[error.kind])
    _settle(session, job, wait)
    return Settled() if wait is None else Snooze(wait + _spread(agent_id) * (blocked is not None))


def _facts(look: Look, now: datetime) -> CodeHostFacts:
    checks = look.checks
    return CodeHostFacts(
        pr_state=look.pull.state if look.pull else None,
        head_sha=look.head_sha,
        checks=summarise(checks.items, is_whole=checks.is_whole) if checks else "unknown",
        failed_checks=tuple(dict.fromkeys(check.name for check in checks.items if check.is_red)) if checks else (),
        changed_files=look.files.total if look.files else None,
        observed_at=now,
        passed_checks=tuple(dict.fromkeys(c.name for c in checks.items if c.conclusion in GREEN)) if checks else (),
        files=tuple(file.name for file in look.files.items) if look.files else (),
    )


def _values(target: Target, look: Look, facts: CodeHostFacts) -> dict[str, Any]:
    """The columns that can bring news."""
    return {
        "repository": target.repository,
        "branch": target.branch,
        "head_sha": look.head_sha,
        "pr_number": look.pull.number if look.pull else None,
        "pr_url": look.pull.url if look.pull else None,
        "pr_state": facts.pr_state,
        "mergeable": look.pull.mergeable if look.pull else None,
        "checks": [asdict(check) for check in look.checks.items] if look.checks else [],
        "checks_total": look.checks.total if look.checks else None,
        "checks_summary": facts.checks,
        "changed_files": [asdict(file) for file in look.files.items] if look.files else [],
        "files_total": facts.changed_files,
        "notes": list(look.notes),
    }


def _tell_engine(session: Session, agent_id: str, facts: CodeHostFacts, *, only_first: bool = False) -> None:
    """Record what is new for the orchestration that works with the agent, which decides at once what follows."""
    if agents.live_task(session, agent_id) is None:
        return
    found = locate(session, agents.find(session, agent_id))
    if found is None or found.snapshot.is_terminal:
        return
    known, run = found.attempt.code_host, found.attempt.run
    is_first_since_run = known is not None and run is not None and run.ended_at and known.observed_at < run.ended_at
    is_same = known is not None and replace(known, observed_at=facts.observed_at) == facts
    if known is not None and (only_first or (is_same and not is_first_since_run)):
        return
    seen = e.CodeHostObserved(at=facts.observed_at, task_key=found.task.key, agent_id=agent_id, facts=facts)
    record_facts(session, found.snapshot, [seen])


def learn_cost(
    session: Session, tally: Tally, error: CodeHostError | None = None, blocked: float | None = None
) -> None:
    """Keep what asking has cost, and what was said about the token's budget."""
    is_healthy = error is None or error.kind == "access"
    code_hosts.learn(
        session,
        current().code_host_account,
        requests=tally.requests,
        unchanged=tally.unchanged,
        request_limit=tally.limits.limit,
        remaining=tally.limits.remaining,
        reset_at=tally.limits.reset_at,
        error=None if is_healthy or error is None else (error.kind, error.message),
        blocked_seconds=blocked,
    )


def _wait(session: Session, agent_id: str, facts: CodeHostFacts, age: float) -> float | None:
    """Seconds until the next look; None where there will be none."""
    place = code_hosts.find_place(session, agent_id)
    if place is None or (place.is_put_away and not place.is_working):
        return None
    return seconds_to_next_look(
        checks=facts.checks, pr_state=facts.pr_state, is_working=place.is_working, age=age, pace=pace(session)
    )


def _settle(session: Session, job: ClaimedJob, wait: float | None) -> None:
    if wait is None:
        jobs.complete_held(session, job)
    elif not jobs.is_held(session, job):
        raise LeaseLost(job.id)
