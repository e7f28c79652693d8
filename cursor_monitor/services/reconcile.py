"""What Cursor says of a run, against what we know: only what is new is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from cursor_monitor.cursor.api import CursorApi, RunView
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain import events as e
from cursor_monitor.domain.budget import Urgency
from cursor_monitor.domain.jobs import ClaimedJob, Done, LeaseLost, Outcome, Retry, Settled, Snooze, usage_job
from cursor_monitor.domain.orchestration import PLANNER_KEY, REVIEW, WORK
from cursor_monitor.domain.status import RUN_TERMINAL, AttemptStatus
from cursor_monitor.domain.text import storable
from cursor_monitor.engine.plan_agent import ANSWER_LIMIT
from cursor_monitor.engine.report import parse_report, parse_review
from cursor_monitor.services import code_host_watch
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.effects import Located, locate
from cursor_monitor.services.governor import acting, again
from cursor_monitor.services.tuning import current
from cursor_monitor.services.watching import look_seconds, watched_since
from cursor_monitor.store import agents, jobs, notices, tables
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

_EXCERPT = 500
# A key, a plan or money has to be mended by a person: until then a run is asked for now and then, and nothing fails.
_FOR_A_PERSON = ("key", "plan", "money")
_REFUSED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Known:
    run_id: str | None
    run_status: str | None
    agent_status: str | None = None
    observed_at: datetime | None = None
    listed_update: datetime | None = None
    watched_since: datetime | None = None  # where the list is watched for it: before when a look is out of date

    @property
    def is_left_to_the_list(self) -> bool:
        if self.watched_since is None or self.run_status != "RUNNING" or self.agent_status not in (None, "ACTIVE"):
            return False
        return self.observed_at is not None and self.observed_at > self.watched_since


async def observe_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Ask how the agent's newest run is; write it if it is new, and look again until its end or the list tells it."""
    is_routine = bool(job.args.get("is_routine"))
    known = await asyncio.to_thread(_load, job.agent_id or "")
    if known is None or (is_routine and known.is_left_to_the_list):
        return Done()
    with acting(Urgency.POLL if is_routine else Urgency.NEWS):
        return await _observe(job, api, known)


async def _observe(job: ClaimedJob, api: CursorApi, known: _Known) -> Outcome:
    agent_id = job.agent_id or ""
    try:
        run_id = known.run_id or (await api.get_agent(agent_id)).latest_run_id
        if run_id is None:
            return Snooze(current().observe_min_seconds)
        run = await api.get_run(agent_id, run_id)
    except Permanent as error:
        if error.kind in _FOR_A_PERSON:
            return Snooze(_REFUSED_SECONDS)
        if error.kind != "gone":
            return Retry(str(error), error.retry_after)
        return await _gone(job, api, agent_id)
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    if run.status != known.run_status or run.status in RUN_TERMINAL:
        await asyncio.to_thread(_record, job, run)
        if run.status in RUN_TERMINAL:
            return Settled()
    else:
        await asyncio.to_thread(_touch, agent_id)
    return _next_look(known, run)


def _next_look(known: _Known, run: RunView) -> Outcome:
    now = datetime.now(UTC)
    if replace(known, run_status=run.status, observed_at=now).is_left_to_the_list:
        return Done()
    is_at_rest = known.agent_status not in (None, "ACTIVE")
    # Where the list says that the turn has ended, the run will say so soon.
    return Snooze(look_seconds(known.listed_update or now if is_at_rest else run.created_at, now))


async def _gone(job: ClaimedJob, api: CursorApi, agent_id: str) -> Outcome:
    try:
        await api.get_agent(agent_id)
    except Permanent as error:
        if error.kind == "gone":
            await asyncio.to_thread(_record_deleted, job, agent_id)
            return Settled()
        return Retry(str(error))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    return Retry("Cursor knows the agent but not its run", current().observe_max_seconds)


def _load(agent_id: str) -> _Known | None:
    with reading() as session:
        agent = agents.find(session, agent_id)
        since = watched_since(session, agent) if agent else None
    if agent is None or agent.launch_status != "launched":
        return None
    return _Known(
        agent.latest_run_id, agent.run_status, agent.agent_status, agent.observed_at, agent.listed_update, since
    )


@transactional
def _touch(session: Session, agent_id: str) -> None:
    agents.update(session, agent_id, observed_at=database_now(session))


@transactional
def _record(session: Session, job: ClaimedJob, run: RunView) -> None:
    found = locate(session, agents.find(session, run.agent_id))
    # Read under the lock: a follow-up may have been sent since, and this may be the run before it.
    agent = agents.find(session, run.agent_id, lock=True)
    now = database_now(session)
    branch = next((b.branch for b in run.branches if b.branch), None)
    pr_url = next((b.pr_url for b in run.branches if b.pr_url), None)
    is_over = run.status in RUN_TERMINAL
    seen = {"branch": branch, "pr_url": pr_url}
    agents.save_run(
        session,
        id=run.id,
        agent_id=run.agent_id,
        status=run.status,
        result=storable(run.result) if run.result else None,
        duration_ms=run.duration_ms,
        created_at=run.created_at,
        ended_at=now if is_over else None,
    )
    if agent is not None and agent.latest_run_id in (None, run.id):
        known = {name: value for name, value in seen.items() if value}
        agents.update(session, run.agent_id, latest_run_id=run.id, run_status=run.status, observed_at=now, **known)
    if found is not None and _is_news(found, run):
        record_facts(session, found.snapshot, [_observed(found, run, branch, pr_url, now)])
    if is_over or _is_pushed(agent, branch, pr_url):
        code_host_watch.want_look(session, run.agent_id)
    notices.announce(session, f"agent:{run.agent_id}")
    if is_over:
        soon = now + timedelta(seconds=current().observe_min_seconds)
        jobs.enqueue(session, [usage_job(run.agent_id, job.orchestration_id, soon)])
        jobs.complete_held(session, job)
    elif not jobs.is_held(session, job):
        raise LeaseLost(job.id)


@transactional
def _record_deleted(session: Session, job: ClaimedJob, agent_id: str) -> None:
    found = locate(session, agents.find(session, agent_id))
    message = "The agent was deleted at Cursor."
    now = database_now(session)
    agents.update(session, agent_id, agent_status="DELETED", error_message=message, observed_at=now)
    if found is not None and found.attempt.is_live:
        lost = e.AttemptEnded(
            at=now,
            task_key=found.task.key,
            agent_id=agent_id,
            status=AttemptStatus.LOST,
            code="agent_deleted",
            error=message,
        )
        record_facts(session, found.snapshot, [lost])
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)


def _is_pushed(agent: tables.Agent | None, branch: str | None, pr_url: str | None) -> bool:
    """True where a branch or a pull request is new to us."""
    known = (agent.branch, agent.pr_url) if agent else (None, None)
    return any(new is not None and new != old for new, old in zip((branch, pr_url), known, strict=True))


def _is_news(found: Located, run: RunView) -> bool:
    known = found.attempt.run
    if not found.attempt.is_live:
        return False
    if known is None:
        return True
    return known.id == run.id and known.status != run.status and known.status not in RUN_TERMINAL


def _observed(found: Located, run: RunView, branch: str | None, pr_url: str | None, now: datetime) -> e.RunObserved:
    text = storable(run.result) if run.result else None
    return e.RunObserved(
        at=now,
        task_key=found.task.key,
        agent_id=run.agent_id,
        run_id=run.id,
        run_status=run.status,
        result=text[-(ANSWER_LIMIT if found.task.key == PLANNER_KEY else _EXCERPT) :] if text else None,
        report=parse_report(text) if run.status in RUN_TERMINAL and found.attempt.role == WORK else None,
        review=parse_review(text) if run.status in RUN_TERMINAL and found.attempt.role == REVIEW else None,
        branch=branch,
        pr_url=pr_url,
    )
