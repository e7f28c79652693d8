"""Watches the whole fleet by Cursor's list, and takes in agents that were launched elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from cursor_monitor.cursor.api import AgentView, CursorApi, RunView
from cursor_monitor.cursor.errors import CursorError, OutcomeUnknown, Permanent, Retryable, Throttled
from cursor_monitor.domain.jobs import (
    ClaimedJob,
    Done,
    Outcome,
    Retry,
    Settled,
    Snooze,
    discover_job,
    observe_job,
    watch_job,
)
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.domain.text import storable
from cursor_monitor.services.governor import again
from cursor_monitor.services.watching import CACHE_KEY, pass_seconds
from cursor_monitor.store import agents, cache, jobs, notices, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

log = logging.getLogger(__name__)

PAGE = 100
FULL_SECONDS = 600.0
_STALE_SECONDS = 120.0
_FAILED_SECONDS = 30.0
_EMPTY_SECONDS = 600.0
# A new agent may be missing from the list for a while.
_LAG = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One way through the list; kept between pages, so that a wait for the rate limit does not begin anew."""

    started_at: str
    is_full: bool
    live: int
    seconds: float
    cursor: str | None = None
    left: tuple[str, ...] = ()
    full_at: str | None = None
    ended_at: str | None = None
    touched_at: str | None = None


async def watch_fleet(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Read the list as far as there are working agents, every now and then to its end; note what is new."""
    walk = await asyncio.to_thread(_begin)
    try:
        while walk.ended_at is None:
            page = await api.list_agents(PAGE, walk.cursor)
            walk = await asyncio.to_thread(_take_in, walk, page.items, page.next_cursor)
    except Throttled as error:
        return Snooze(error.seconds)
    except CursorError as error:
        if isinstance(error, Permanent):
            await asyncio.to_thread(_forget_pass)  # the list's cursor may be what is refused
        log.warning("the list of agents cannot be read", extra={"error": str(error)})
        return Snooze(max(error.retry_after or 0.0, _FAILED_SECONDS))
    return Snooze(walk.seconds)


@transactional
def ensure_watch(session: Session) -> None:
    """See to it that the fleet is watched, by one worker at a time."""
    jobs.enqueue(session, [watch_job()])


@transactional
def _begin(session: Session) -> _Pass:
    now = database_now(session)
    last = _last_pass(session)
    if last is not None and last.ended_at is None and _age(last.touched_at, now) < _STALE_SECONDS:
        return last
    full_at = last.full_at if last else None
    live = agents.select_working(session)
    is_full = _age(full_at, now) >= FULL_SECONDS
    youngest = max((since for _, since in live), default=now)
    seconds = pass_seconds(len(live), (now - youngest).total_seconds())
    left = tuple(agent_id for agent_id, _ in live)
    return _Pass(now.isoformat(), is_full, len(live), seconds, left=left, full_at=full_at)


@transactional
def _take_in(session: Session, walk: _Pass, items: Sequence[AgentView], next_cursor: str | None) -> _Pass:
    now = database_now(session)
    known = {agent.id: agent for agent in agents.select_many(session, [item.id for item in items])}
    runs = agents.select_known_runs(session, [item.latest_run_id for item in items if item.latest_run_id])
    for item in items:
        if item.id in known:
            _compare(session, known[item.id], item, is_known_run=item.latest_run_id in runs)
    jobs.enqueue(session, [discover_job(item.id) for item in items if item.id not in known])
    if walk.is_full:
        agents.mark_listed(session, list(known))
    seen = {item.id for item in items}
    left = tuple(agent_id for agent_id in walk.left if agent_id not in seen)
    is_over = next_cursor is None or not (left or walk.is_full)
    walk = replace(walk, left=left, cursor=next_cursor, touched_at=now.isoformat())
    if is_over:
        walk = replace(walk, cursor=None, ended_at=now.isoformat())
        if walk.is_full:
            walk = replace(walk, full_at=now.isoformat())
            _verify_missing(session, datetime.fromisoformat(walk.started_at))
    cache.put(session, CACHE_KEY, asdict(walk))
    return walk


def _compare(session: Session, agent: tables.Agent, item: AgentView, *, is_known_run: bool) -> None:
    if agent.launch_status != "launched" or agent.agent_status == "DELETED":
        return
    is_at_rest = agent.run_status in RUN_TERMINAL or agent.latest_run_id is None
    has_new_run = item.latest_run_id is not None and item.latest_run_id != agent.latest_run_id and not is_known_run
    is_changed = (agent.agent_status, agent.listed_update) != (item.status, item.updated_at)
    if not (is_changed or has_new_run):
        return
    values: dict[str, object] = {"agent_status": item.status, "listed_update": item.updated_at}
    if item.name:
        values["name"] = item.name
    if has_new_run and is_at_rest:
        # Only then: the end of the run before must have been seen by whoever waits for it.
        values |= {"latest_run_id": item.latest_run_id, "run_status": None}
    agents.update(session, agent.id, **values)
    agents.note_activity(session, agent.id, item.updated_at)
    notices.announce(session, f"agent:{agent.id}")
    if has_new_run or not is_at_rest:
        parent = str(agent.orchestration_id) if agent.orchestration_id else None
        jobs.enqueue(session, [observe_job(agent.id, parent)])


def _verify_missing(session: Session, started_at: datetime) -> None:
    """What a whole list does not name may be deleted; a look at each tells."""
    missing = agents.select_unlisted(session, listed_before=started_at, launched_before=started_at - _LAG)
    jobs.enqueue(session, [observe_job(agent_id) for agent_id in missing])


async def discover_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Take in an agent that was launched elsewhere, whole: with its repository and its newest run."""
    agent_id = job.agent_id or ""
    try:
        agent = await api.get_agent(agent_id)
        if agent.latest_run_id is None:
            return Snooze(_EMPTY_SECONDS)
        run = await api.get_run(agent_id, agent.latest_run_id)
    except Permanent as error:
        return Done() if error.kind == "gone" else Retry(str(error))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    await asyncio.to_thread(_record_discovered, job, agent, run)
    return Settled()


@transactional
def _record_discovered(session: Session, job: ClaimedJob, agent: AgentView, run: RunView) -> None:
    now = database_now(session)
    agents.insert_agent(
        session,
        id=agent.id,
        name=agent.name,
        origin="elsewhere",
        launch_status="launched",
        agent_status=agent.status,
        repository=agent.repository,
        ref=agent.ref,
        url=agent.url,
        branch=next((b.branch for b in run.branches if b.branch), None),
        pr_url=next((b.pr_url for b in run.branches if b.pr_url), None),
        latest_run_id=run.id,
        run_status=run.status,
        created_at=agent.created_at,
        launched_at=agent.created_at,
        observed_at=now,
        listed_update=agent.updated_at,
    )
    is_over = run.status in RUN_TERMINAL
    agents.save_run(
        session,
        id=run.id,
        agent_id=agent.id,
        status=run.status,
        result=storable(run.result) if run.result else None,
        duration_ms=run.duration_ms,
        created_at=run.created_at,
        ended_at=run.updated_at if is_over else None,  # of a run that is over it is the end
    )
    if not is_over:
        jobs.enqueue(session, [observe_job(agent.id)])
    notices.announce(session, f"agent:{agent.id}")
    jobs.complete_held(session, job)


@transactional
def _forget_pass(session: Session) -> None:
    last = _last_pass(session)
    if last is not None:
        cache.put(session, CACHE_KEY, asdict(replace(last, cursor=None, ended_at=last.started_at)))


def _last_pass(session: Session) -> _Pass | None:
    found = cache.get(session, CACHE_KEY)
    if found is None:
        return None
    return _Pass(**{**found[0], "left": tuple(found[0]["left"])})


def _age(moment: str | None, now: datetime) -> float:
    return float("inf") if moment is None else (now - datetime.fromisoformat(moment)).total_seconds()
