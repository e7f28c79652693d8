"""What agents cost: read from Cursor after each run, kept, and told to the engine."""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from cursor_monitor.cursor.api import CursorApi, UsageView
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import COST_WAIT_MINUTES
from cursor_monitor.domain.jobs import ClaimedJob, Outcome, Settled, Snooze
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.effects import Located, locate
from cursor_monitor.services.governor import again
from cursor_monitor.services.tuning import current
from cursor_monitor.store import agents, jobs, notices, spending, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now


async def read_usage(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Ask what the agent's runs cost; Cursor records it some time after a run, so ask again until it has."""
    try:
        usage = await api.get_usage(job.agent_id or "")
    except Permanent:
        usage = None
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    seconds = await asyncio.to_thread(_record, job, usage)
    return Settled() if seconds is None else Snooze(seconds)


@transactional
def _record(session: Session, job: ClaimedJob, usage: UsageView | None) -> float | None:
    agent_id = job.agent_id or ""
    found = locate(session, agents.find(session, agent_id))
    agent = agents.find(session, agent_id, lock=True)
    if agent is None or agent.latest_run_id is None or agent.run_status not in RUN_TERMINAL:
        jobs.complete_held(session, job)  # the end of the run under way asks again
        return None
    cents = _cents(usage, agent.latest_run_id)
    waited = _waited_seconds(session, agent)
    if cents is None and usage is not None and waited < COST_WAIT_MINUTES * 60:
        return max(current().observe_min_seconds, waited)
    _tell(session, found, agent, cents)
    if cents is not None:
        now = database_now(session)
        more = cents - (agent.cost_cents or 0.0)
        tokens = usage.total_tokens if usage is not None else None
        agents.update(session, agent_id, cost_cents=cents, tokens=tokens, usage_at=now)
        spending.add(session, agent.account_id, now, cents=more)
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)
    return None


def _tell(session: Session, found: Located | None, agent: tables.Agent, cents: float | None) -> None:
    if found is None or agent.latest_run_id is None:
        return
    known = (found.attempt.costed_run_id, found.attempt.cents)
    if known == (agent.latest_run_id, cents):
        return
    fact = e.UsageObserved(
        at=database_now(session),
        task_key=found.task.key,
        agent_id=agent.id,
        run_id=agent.latest_run_id,
        cents=cents,
    )
    record_facts(session, found.snapshot, [fact])


def _cents(usage: UsageView | None, run_id: str) -> float | None:
    """The cost of all runs, once the newest is in it."""
    if usage is None or usage.charged_cents is None:
        return None
    newest = next((run for run in usage.runs if run.run_id == run_id), None)
    return None if newest is not None and newest.charged_cents is None else usage.charged_cents


def _waited_seconds(session: Session, agent: tables.Agent) -> float:
    run = next((r for r in agents.select_runs(session, agent.id) if r.id == agent.latest_run_id), None)
    if run is None or run.ended_at is None:
        return float("inf")
    return max(0.0, (database_now(session) - run.ended_at).total_seconds())
