"""Takes in agents that were launched elsewhere: at once by what the list says, then whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from cursor_monitor.cursor.api import AgentView, CursorApi, RunView
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable, Throttled
from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT
from cursor_monitor.domain.jobs import (
    ClaimedJob,
    Done,
    Outcome,
    Retry,
    Settled,
    Snooze,
    discover_job,
    look_job,
    observe_job,
)
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.domain.text import storable
from cursor_monitor.services.governor import again
from cursor_monitor.services.watching import watched_since
from cursor_monitor.store import agents, jobs, notices
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

_EMPTY_SECONDS = 600.0
_JUST_NOW = timedelta(minutes=5)
_PATIENCE, _PATIENCE_SECONDS = 10, 10.0


def appear(session: Session, account_id: str, items: Sequence[AgentView]) -> None:
    """Take in what the list named and nobody here knows: at once what works or ended just now, the rest in time."""
    now = database_now(session)
    for item in items:
        is_fresh = item.status == "ACTIVE" or now - item.updated_at < _JUST_NOW
        if is_fresh and item.latest_run_id is not None:
            agents.insert_agent(session, **_values(item), account_id=account_id, latest_run_id=item.latest_run_id)
            notices.announce(session, f"agent:{item.id}")
            if item.status != "ACTIVE":
                jobs.enqueue(session, [observe_job(item.id)])
    jobs.enqueue(session, [discover_job(item.id, account_id) for item in items])


async def discover_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Take in an agent that was launched elsewhere, whole: with its repository and its newest run."""
    agent_id = job.agent_id or ""
    try:
        agent = await api.get_agent(agent_id)
        if agent.latest_run_id is None:
            return Snooze(_EMPTY_SECONDS)
        # One that works is looked at as all others are.
        run = None if agent.status == "ACTIVE" else await _run_of(api, agent_id, agent.latest_run_id)
    except Permanent as error:
        return Done() if error.kind == "gone" else Retry(str(error))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    await asyncio.to_thread(_record_discovered, job, agent, run)
    return Settled()


async def _run_of(api: CursorApi, agent_id: str, run_id: str) -> RunView:
    """The run; a short wait for the budget is waited for, or the call before this one would have been for nothing."""
    for _ in range(_PATIENCE):
        try:
            return await api.get_run(agent_id, run_id)
        except Throttled as error:
            await asyncio.sleep(min(error.seconds, _PATIENCE_SECONDS))
    return await api.get_run(agent_id, run_id)


@transactional
def _record_discovered(session: Session, job: ClaimedJob, agent: AgentView, run: RunView | None) -> None:
    account_id = str(job.args.get("account_id") or DEFAULT_ACCOUNT)
    agents.insert_agent(session, **_values(agent), account_id=account_id, latest_run_id=agent.latest_run_id)
    known = agents.find(session, agent.id, lock=True)
    if known is not None and known.origin == "elsewhere":
        agents.update(session, agent.id, repository=agent.repository, ref=agent.ref)
        if run is None and watched_since(session, known) is None:
            jobs.enqueue(session, [look_job(agent.id)])
        elif run is not None and known.latest_run_id == run.id and known.run_status not in RUN_TERMINAL:
            _record_run(session, agent, run)
    notices.announce(session, f"agent:{agent.id}")
    jobs.complete_held(session, job)


def _record_run(session: Session, agent: AgentView, run: RunView) -> None:
    now = database_now(session)
    is_over = run.status in RUN_TERMINAL
    agents.update(
        session,
        agent.id,
        branch=next((b.branch for b in run.branches if b.branch), None),
        pr_url=next((b.pr_url for b in run.branches if b.pr_url), None),
        run_status=run.status,
        observed_at=now,
    )
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
        jobs.enqueue(session, [look_job(agent.id)])


def _values(agent: AgentView) -> dict[str, object]:
    return {
        "id": agent.id,
        "name": agent.name,
        "origin": "elsewhere",
        "launch_status": "launched",
        "agent_status": agent.status,
        "url": agent.url,
        "created_at": agent.created_at,
        "launched_at": agent.created_at,
        "listed_update": agent.updated_at,
    }
