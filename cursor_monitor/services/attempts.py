"""Effects on Cursor: launch an agent, cancel a run; each safe to be done again after any crash."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlmodel import Session

from cursor_monitor.cursor.api import AgentSpec, CursorApi, Launched
from cursor_monitor.cursor.errors import CursorError, OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain import events as e
from cursor_monitor.domain.accounts import HELD_CODES
from cursor_monitor.domain.jobs import (
    ClaimedJob,
    Done,
    Outcome,
    Retry,
    Settled,
    look_job,
    observe_job,
)
from cursor_monitor.domain.status import AttemptStatus
from cursor_monitor.services.account_health import why_held
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.effects import (
    FOR_A_PERSON,
    LOOK_AGAIN_SECONDS,
    agent_id_of,
    ended_fact,
    finish,
    held_facts,
    held_outcome,
    locate,
    waiting_words,
    waits_alone,
)
from cursor_monitor.services.governor import again
from cursor_monitor.services.launching import spec_of
from cursor_monitor.store import agents, jobs, notices, uploads
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now


@dataclass(frozen=True, slots=True)
class _Launch:
    spec: AgentSpec
    may_exist: bool  # see may_exist()
    is_wanted: bool  # False once the orchestration is being cancelled


def may_exist(job: ClaimedJob) -> bool:
    """True where an earlier try may have reached Cursor.

    That is noted before anything is sent: not every try counts as an attempt, as where the database went away after it.
    """
    return job.attempt > 1 or job.args.get("may_exist") is True


async def launch_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Create the agent whose id is committed already; an answer that was lost is looked up, never posted blindly."""
    launch = await asyncio.to_thread(_begin_launch, job)
    if launch is None:
        return Done()
    try:
        launched = await _create(api, launch)
    except OutcomeUnknown as error:
        return again(error, LOOK_AGAIN_SECONDS)
    except (Retryable, Permanent) as error:
        if not launch.may_exist:
            await asyncio.to_thread(_forget_sending, job)
        if isinstance(error, Retryable):
            return again(error)
        return await hold_launch(job, error.code, error.message, error.kind)
    if launched is None:
        await asyncio.to_thread(_record_launch_dropped, job)
    else:
        await asyncio.to_thread(_record_launched, job, launched)
    return Settled()


async def hold_launch(job: ClaimedJob, code: str, message: str, kind: str) -> Outcome:
    """Record why there is no launch: it failed or, where a person can mend that, waits."""
    waits = await asyncio.to_thread(_record_launch_refused, job, code, message, kind)
    return held_outcome(code) if waits else Settled()


async def _create(api: CursorApi, launch: _Launch) -> Launched | None:
    if launch.may_exist or not launch.is_wanted:
        found = await _find_agent(api, launch.spec.agent_id) if launch.may_exist else None
        if found is not None or not launch.is_wanted:
            return found
    try:
        return await api.create_agent(launch.spec)
    except (Permanent, OutcomeUnknown) as error:
        found = await _find_posted(api, launch.spec.agent_id, error)
        if found is None:
            raise
        return found


async def _find_posted(api: CursorApi, agent_id: str, error: CursorError) -> Launched | None:
    if isinstance(error, Permanent) and error.code != "agent_id_conflict":
        return None
    try:
        return await _find_agent(api, agent_id)
    except Retryable as later:
        # Something was sent, so this counts as an attempt: the next one must look before it drops the launch.
        raise OutcomeUnknown(error.code, error.message, retry_after=later.retry_after) from None


async def _find_agent(api: CursorApi, agent_id: str) -> Launched | None:
    try:
        agent = await api.get_agent(agent_id)
        run = await api.get_run(agent_id, agent.latest_run_id) if agent.latest_run_id else None
    except Permanent as error:
        if error.kind != "gone":
            raise
        return None
    return Launched(agent, run)


@transactional
def _begin_launch(session: Session, job: ClaimedJob) -> _Launch | None:
    agent = agents.find(session, agent_id_of(job))
    if agent is None or agent.launch_status != "requested":
        return None
    found = locate(session, agent)
    wanted = found is None or (
        found.attempt.status is AttemptStatus.LAUNCHING
        and not found.snapshot.is_cancelling
        and not found.snapshot.is_terminal
    )
    if wanted and not may_exist(job):
        jobs.remember(session, job, may_exist=True)
    return _Launch(spec_of(session, agent), may_exist(job), wanted)


@transactional
def _forget_sending(session: Session, job: ClaimedJob) -> None:
    jobs.remember(session, job, may_exist=False)


@transactional
def _record_launched(session: Session, job: ClaimedJob, launched: Launched) -> None:
    agent_id, run = agent_id_of(job), launched.run
    agent = agents.find(session, agent_id)
    found = locate(session, agent)
    run_id = run.id if run else launched.agent.latest_run_id
    status = run.status if run else "CREATING"
    now = database_now(session)
    agents.update(
        session,
        agent_id,
        launch_status="launched",
        agent_status=launched.agent.status,
        url=launched.agent.url,
        latest_run_id=run_id,
        run_status=status,
        error_code=None,
        error_message=None,
        launched_at=now,
        observed_at=now,
    )
    uploads.forget(session, agent_id)
    if run is not None:
        agents.save_run(
            session,
            id=run.id,
            agent_id=agent_id,
            status=run.status,
            prompt=agent.prompt if agent else None,
            created_at=run.created_at,
        )
    if found is not None and found.attempt.status is AttemptStatus.LAUNCHING:
        fact = e.AttemptLaunched(at=now, task_key=found.task.key, agent_id=agent_id, run_id=run_id, run_status=status)
        record_facts(session, found.snapshot, [fact])
    else:
        jobs.enqueue(session, [look_job(agent_id, job.orchestration_id)])
    finish(session, job, agent_id)


@transactional
def _record_launch_dropped(session: Session, job: ClaimedJob) -> None:
    agent_id = agent_id_of(job)
    found = locate(session, agents.find(session, agent_id))
    agents.update(session, agent_id, launch_status="cancelled", error_message="Cancelled before its launch.")
    if found is not None and found.attempt.is_live:
        record_facts(session, found.snapshot, [ended_fact(session, found, AttemptStatus.CANCELLED, None, None)])
    finish(session, job, agent_id)


@transactional
def _record_launch_refused(session: Session, job: ClaimedJob, code: str, message: str, kind: str | None) -> bool:
    """True where the job itself is to wait, for an agent of its own whose account cannot be used."""
    agent_id = agent_id_of(job)
    agent = agents.find(session, agent_id)
    if agent is None or agent.launch_status != "requested":
        finish(session, job, agent_id)
        return False
    found = locate(session, agent)
    if found is not None and found.snapshot.is_cancelling and may_exist(job) and code in HELD_CODES:
        return True  # an earlier try may have launched it, which must be known before it counts as cancelled
    plain = why_held(session, agent.account_id, code, f"Cursor refused the launch ({code}): {message}")
    held = kind in FOR_A_PERSON if found is not None else waits_alone(code, kind)
    if held and found is None and code not in HELD_CODES:
        plain = waiting_words("launch", code, message)
    status = "requested" if held else "failed"
    agents.update(session, agent_id, launch_status=status, error_code=code, error_message=plain)
    if found is not None and found.attempt.status is AttemptStatus.LAUNCHING:
        ended = [ended_fact(session, found, AttemptStatus.FAILED, code, plain)]
        record_facts(session, found.snapshot, held_facts(session, found, code, message, kind) if held else ended)
    if held and found is None:
        notices.announce(session, f"agent:{agent_id}")
        return True
    finish(session, job, agent_id)
    return False


async def give_up_launch(job: ClaimedJob, error: str) -> None:
    """Say that the launch will not be tried again; the job itself becomes a dead letter."""
    await asyncio.to_thread(_give_up_launch, job, error)


@transactional
def _give_up_launch(session: Session, job: ClaimedJob, error: str) -> None:
    agent_id = agent_id_of(job)
    agent = agents.find(session, agent_id)
    if agent is None or agent.launch_status != "requested":
        return
    found = locate(session, agent)
    message = f"The launch failed {job.attempt} times, the last time with: {error}"
    agents.update(session, agent_id, launch_status="failed", error_code="launch_failed", error_message=message)
    if found is not None and found.attempt.is_live:
        record_facts(
            session, found.snapshot, [ended_fact(session, found, AttemptStatus.FAILED, "launch_failed", message)]
        )
    notices.announce(session, f"agent:{agent_id}")


async def cancel_run(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Ask Cursor to cancel a run; whether it did is for the observation that follows."""
    try:
        await api.cancel_run(agent_id_of(job), str(job.args["run_id"]))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    except Permanent as error:
        if error.kind not in ("conflict", "gone"):
            return Retry(str(error), error.retry_after)
    await asyncio.to_thread(_observe_soon, job)
    return Settled()


@transactional
def _observe_soon(session: Session, job: ClaimedJob) -> None:
    jobs.enqueue(session, [observe_job(agent_id_of(job), job.orchestration_id)])
    jobs.complete_held(session, job)
