"""Effects on Cursor: launch an agent, send a follow-up, cancel a run; each safe to be done again after any crash."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.cursor import fence
from cursor_monitor.cursor.api import AgentSpec, CursorApi, Launched, RunView
from cursor_monitor.cursor.errors import CursorError, OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain import events as e
from cursor_monitor.domain.accounts import HELD_CODES, Trouble, trouble_of
from cursor_monitor.domain.jobs import (
    ClaimedJob,
    Done,
    LeaseLost,
    Outcome,
    Retry,
    Settled,
    Snooze,
    look_job,
    observe_job,
)
from cursor_monitor.domain.orchestration import Attempt, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, OrchestrationStatus
from cursor_monitor.services.account_health import PROBE_SECONDS, why_held
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.governor import again
from cursor_monitor.services.launching import run_options, spec_of
from cursor_monitor.store import agents, jobs, notices, orchestrations, tables, uploads
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

_FOR_A_PERSON = {
    "key": "Cursor does not accept this kind of API key for it. Use another account, then resume.",
    "plan": "Cursor's plan or permissions do not allow this. Have them changed at Cursor, then resume.",
    "money": "Cursor's usage limit is reached. Raise it at Cursor, then resume.",
    "repository": "Cursor cannot see the repository or its branch: renamed, deleted, made private, or not opened to "
    "Cursor's app. Mend that at the code host, then resume; or cancel and launch anew under its new name.",
}
# What is about the key and not about the one request waits even where no orchestration could be resumed.
_FOR_THE_ACCOUNT = frozenset({"key", "plan", "money"})
_BUSY_SECONDS = 3.0
_HELD_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 2.0
# So long before the end of the lease nothing is sent any more: what leaves last still has to arrive.
_FENCE_SECONDS = 2.0
_FENCE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Launch:
    spec: AgentSpec
    may_exist: bool  # an earlier try may have reached Cursor
    is_wanted: bool  # False once the orchestration is being cancelled


@dataclass(frozen=True, slots=True)
class _Sending:
    agent_id: str
    prompt: str
    is_sending: bool  # an earlier try may have reached Cursor
    previous_run_id: str | None
    options: dict[str, Any]  # of create_run, beside the prompt


async def launch_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Create the agent whose id is committed already; an answer that was lost is looked up, never posted blindly."""
    launch = await asyncio.to_thread(_begin_launch, job)
    if launch is None:
        return Done()
    try:
        launched = await _create(api, launch)
    except Retryable as error:
        return again(error)
    except OutcomeUnknown as error:
        return again(error, _LOOK_AGAIN_SECONDS)
    except Permanent as error:
        return await hold_launch(job, error.code, error.message, error.kind)
    if launched is None:
        await asyncio.to_thread(_record_launch_dropped, job)
    else:
        await asyncio.to_thread(_record_launched, job, launched)
    return Settled()


async def hold_launch(job: ClaimedJob, code: str, message: str, kind: str) -> Outcome:
    """Record why there is no launch: it failed or, where a person can mend that, waits."""
    waits = await asyncio.to_thread(_record_launch_refused, job, code, message, kind)
    return _held_outcome(code) if waits else Settled()


def _held_outcome(code: str) -> Outcome:
    is_probe = code not in HELD_CODES or trouble_of(code) is Trouble.MONEY  # nothing but another try can tell
    return Snooze(PROBE_SECONDS if is_probe else _HELD_SECONDS, forgets=False)


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
    agent = agents.find(session, _agent_id(job))
    if agent is None or agent.launch_status != "requested":
        return None
    found = locate(session, agent)
    wanted = found is None or (
        found.attempt.status is AttemptStatus.LAUNCHING
        and not found.snapshot.is_cancelling
        and not found.snapshot.is_terminal
    )
    return _Launch(spec_of(session, agent), may_exist=job.attempt > 1, is_wanted=wanted)


@transactional
def _record_launched(session: Session, job: ClaimedJob, launched: Launched) -> None:
    agent_id, run = _agent_id(job), launched.run
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
    _finish(session, job, agent_id)


@transactional
def _record_launch_dropped(session: Session, job: ClaimedJob) -> None:
    agent_id = _agent_id(job)
    found = locate(session, agents.find(session, agent_id))
    agents.update(session, agent_id, launch_status="cancelled", error_message="Cancelled before its launch.")
    if found is not None and found.attempt.is_live:
        record_facts(session, found.snapshot, [_ended(session, found, AttemptStatus.CANCELLED, None, None)])
    _finish(session, job, agent_id)


@transactional
def _record_launch_refused(session: Session, job: ClaimedJob, code: str, message: str, kind: str | None) -> bool:
    """True where the job itself is to wait, for an agent of its own whose account cannot be used."""
    agent_id = _agent_id(job)
    agent = agents.find(session, agent_id)
    if agent is None or agent.launch_status != "requested":
        _finish(session, job, agent_id)
        return False
    found = locate(session, agent)
    if found is not None and found.snapshot.is_cancelling and job.attempt > 1 and code in HELD_CODES:
        return True  # an earlier try may have launched it, which must be known before it counts as cancelled
    plain = why_held(session, agent.account_id, code, f"Cursor refused the launch ({code}): {message}")
    held = kind in _FOR_A_PERSON if found is not None else _waits_alone(code, kind)
    if held and found is None and code not in HELD_CODES:
        plain = _waiting_words("launch", code, message)
    status = "requested" if held else "failed"
    agents.update(session, agent_id, launch_status=status, error_code=code, error_message=plain)
    if found is not None and found.attempt.status is AttemptStatus.LAUNCHING:
        ended = [_ended(session, found, AttemptStatus.FAILED, code, plain)]
        record_facts(session, found.snapshot, _held(session, found, code, message, kind) if held else ended)
    if held and found is None:
        notices.announce(session, f"agent:{agent_id}")
        return True
    _finish(session, job, agent_id)
    return False


async def give_up_launch(job: ClaimedJob, error: str) -> None:
    """Say that the launch will not be tried again; the job itself becomes a dead letter."""
    await asyncio.to_thread(_give_up_launch, job, error)


@transactional
def _give_up_launch(session: Session, job: ClaimedJob, error: str) -> None:
    agent_id = _agent_id(job)
    agent = agents.find(session, agent_id)
    if agent is None or agent.launch_status != "requested":
        return
    found = locate(session, agent)
    message = f"The launch failed {job.attempt} times, the last time with: {error}"
    agents.update(session, agent_id, launch_status="failed", error_code="launch_failed", error_message=message)
    if found is not None and found.attempt.is_live:
        record_facts(session, found.snapshot, [_ended(session, found, AttemptStatus.FAILED, "launch_failed", message)])
    notices.announce(session, f"agent:{agent_id}")


async def send_followup(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Send a follow-up once; an answer that was lost is settled by comparing the agent's newest run."""
    sending = await asyncio.to_thread(_begin_followup, job)
    if sending is None:
        return Done()
    try:
        run = await _send(job, api, sending)
    except Retryable as error:
        return again(error)
    except OutcomeUnknown as error:
        return again(error, _LOOK_AGAIN_SECONDS)
    except Permanent as error:
        if error.code == "agent_busy":
            # After an earlier try it may be busy with just this follow-up, which came late: then look, do not send.
            if not sending.is_sending:
                await asyncio.to_thread(_mark_requested, job)
            return Snooze(_BUSY_SECONDS)
        return await hold_followup(job, error.code, error.message, error.kind)
    await asyncio.to_thread(_record_sent, job, run)
    return Settled()


async def hold_followup(job: ClaimedJob, code: str, message: str, kind: str) -> Outcome:
    """Record why the follow-up is not sent: it failed or, where a person can mend that, waits."""
    waits = await asyncio.to_thread(_record_followup_refused, job, code, message, kind)
    return _held_outcome(code) if waits else Settled()


async def _send(job: ClaimedJob, api: CursorApi, sending: _Sending) -> RunView:
    newest = (await api.get_agent(sending.agent_id)).latest_run_id
    if sending.is_sending and newest is not None and newest != sending.previous_run_id:
        return await api.get_run(sending.agent_id, newest)
    asked_at = fence.clock()
    left = await asyncio.to_thread(_mark_sending, job, newest)
    # A sender that was stopped meanwhile must not post what another one, who has the job by then, has posted.
    with fence.sending_until(asked_at + left - min(_FENCE_SECONDS, left * _FENCE_SHARE)):
        return await api.create_run(sending.agent_id, sending.prompt, **sending.options)


@transactional
def _begin_followup(session: Session, job: ClaimedJob) -> _Sending | None:
    found = locate(session, agents.find(session, _agent_id(job)))
    followup = agents.find_followup(session, _followup_id(job), lock=True)
    if followup is None or followup.status not in ("requested", "sending"):
        return None
    is_sending = followup.status == "sending"
    if found is not None and not is_sending and _is_called_off(found, followup):
        _drop_followup(session, found, followup, "cancelled", "the orchestration is cancelled")
        return None
    options = run_options(session, followup)
    return _Sending(followup.agent_id, followup.prompt, is_sending, followup.previous_run_id, options)


def _is_called_off(found: Located, followup: tables.Followup) -> bool:
    """What a person asks of an agent after its orchestration ended is theirs alone, and goes ahead."""
    is_engines = any(f.id == str(followup.id) for f in found.attempt.followups)
    return is_engines if found.snapshot.is_terminal else found.snapshot.is_cancelling


@transactional
def _mark_sending(session: Session, job: ClaimedJob, previous_run_id: str | None) -> float:
    """Note that it is about to be sent; for how many seconds nobody else will do so."""
    left = jobs.lease_left(session, job)
    if left is None:
        raise LeaseLost(job.id)
    agents.update_followup(session, _followup_id(job), status="sending", previous_run_id=previous_run_id)
    return left


@transactional
def _mark_requested(session: Session, job: ClaimedJob) -> None:
    if not jobs.is_held(session, job):
        raise LeaseLost(job.id)
    agents.update_followup(session, _followup_id(job), status="requested", previous_run_id=None)


@transactional
def _record_sent(session: Session, job: ClaimedJob, run: RunView) -> None:
    agent_id, followup_id = _agent_id(job), _followup_id(job)
    followup = agents.find_followup(session, followup_id)
    found = locate(session, agents.find(session, agent_id))
    now = database_now(session)
    agents.update_followup(session, followup_id, status="sent", run_id=run.id, sent_at=now, error_message=None)
    model = followup.options.get("model") if followup else None  # Cursor keeps it for later runs
    changed = {"model": model} if model else {}
    agents.update(session, agent_id, latest_run_id=run.id, run_status=run.status, observed_at=now, **changed)
    uploads.forget(session, str(followup_id))
    agents.save_run(
        session,
        id=run.id,
        agent_id=agent_id,
        status=run.status,
        prompt=followup.prompt if followup else None,
        created_at=run.created_at,
    )
    if found is not None and any(f.id == str(followup_id) for f in found.attempt.followups):
        fact = e.FollowUpSent(
            at=now,
            task_key=found.task.key,
            agent_id=agent_id,
            followup_id=str(followup_id),
            run_id=run.id,
            run_status=run.status,
        )
        record_facts(session, found.snapshot, [fact])
    else:
        jobs.enqueue(session, [look_job(agent_id, job.orchestration_id)])
    _finish(session, job, agent_id)


@transactional
def _record_followup_refused(session: Session, job: ClaimedJob, code: str, message: str, kind: str | None) -> bool:
    """True where the job itself is to wait, for an agent of its own whose account cannot be used."""
    agent_id, followup_id = _agent_id(job), _followup_id(job)
    followup = agents.find_followup(session, followup_id)
    agent = agents.find(session, agent_id)
    found = locate(session, agent)
    if found is not None and not any(f.id == str(followup_id) for f in found.attempt.followups):
        found = None  # what a person asks of an agent after its orchestration ended is theirs alone
    if found is not None and kind in _FOR_A_PERSON:
        _await_sending(session, followup)
        record_facts(session, found.snapshot, _held(session, found, code, message, kind, str(followup_id)))
    elif found is None and agent is not None and followup is not None and _waits_alone(code, kind):
        words = _waiting_words("follow-up", code, message)
        _await_sending(session, followup, why_held(session, agent.account_id, code, words))
        notices.announce(session, f"agent:{agent_id}")
        return True
    elif followup is not None:
        _fail_followup(session, found, followup, code, f"Cursor refused the follow-up ({code}): {message}")
    _finish(session, job, agent_id)
    return False


def _waits_alone(code: str, kind: str | None) -> bool:
    return code in HELD_CODES or kind in _FOR_THE_ACCOUNT


def _waiting_words(what: str, code: str, message: str) -> str:
    said = f"Cursor refused the {what} ({code}): {message.rstrip('.')}."
    return f"{said} Have that changed at Cursor, or stop it and use another account. It waits and goes on by itself."


def _await_sending(session: Session, followup: tables.Followup | None, why: str | None = None) -> None:
    # One that may have been sent already is compared with the agent's newest run before it is sent again.
    if followup is not None and followup.status in ("requested", "sending"):
        agents.update_followup(session, followup.id, error_message=why)


async def give_up_followup(job: ClaimedJob, error: str) -> None:
    """Say that the follow-up will not be tried again; the job itself becomes a dead letter."""
    await asyncio.to_thread(_give_up_followup, job, error)


@transactional
def _give_up_followup(session: Session, job: ClaimedJob, error: str) -> None:
    followup = agents.find_followup(session, _followup_id(job))
    if followup is None or followup.status not in ("requested", "sending"):
        return
    found = locate(session, agents.find(session, followup.agent_id))
    message = f"Sending the follow-up failed {job.attempt} times, the last time with: {error}"
    _fail_followup(session, found, followup, "followup_failed", message)
    notices.announce(session, f"agent:{followup.agent_id}")


async def cancel_run(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Ask Cursor to cancel a run; whether it did is for the observation that follows."""
    try:
        await api.cancel_run(_agent_id(job), str(job.args["run_id"]))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    except Permanent as error:
        if error.kind not in ("conflict", "gone"):
            return Retry(str(error), error.retry_after)
    await asyncio.to_thread(_observe_soon, job)
    return Settled()


@transactional
def _observe_soon(session: Session, job: ClaimedJob) -> None:
    jobs.enqueue(session, [observe_job(_agent_id(job), job.orchestration_id)])
    jobs.complete_held(session, job)


@dataclass(frozen=True, slots=True)
class Located:
    """An agent's place in its orchestration, which is locked."""

    snapshot: Snapshot
    task: Task
    attempt: Attempt


def locate(session: Session, agent: tables.Agent | None) -> Located | None:
    """Lock the agent's orchestration and find its attempt there; None for an agent of its own."""
    if agent is None or agent.orchestration_id is None or agent.task_key is None:
        return None
    snapshot = orchestrations.lock_snapshot(session, agent.orchestration_id)
    if snapshot is None:
        return None
    task = snapshot.task(agent.task_key)
    return Located(snapshot, task, next(a for a in task.attempts if a.agent_id == agent.id))


def _held(
    session: Session, found: Located, code: str, message: str, kind: str | None, followup_id: str | None = None
) -> list[e.Event]:
    now = database_now(session)
    held = e.AttemptHeld(
        at=now,
        task_key=found.task.key,
        agent_id=found.attempt.agent_id,
        code=code,
        error=message,
        followup_id=followup_id,
    )
    if found.snapshot.status is not OrchestrationStatus.RUNNING or found.snapshot.is_cancelling:
        return [held]
    agent = agents.find(session, found.attempt.agent_id)
    summary = _FOR_A_PERSON[kind or "plan"]
    if agent is not None:
        summary = why_held(session, agent.account_id, code, summary)
    return [held, e.OrchestrationBlocked(at=now, code=code, summary=summary)]


def _fail_followup(session: Session, found: Located | None, followup: tables.Followup, code: str, message: str) -> None:
    if found is None:
        agents.update_followup(session, followup.id, status="failed", error_message=message)
        return
    _drop_followup(session, found, followup, "failed", message, code)


def _drop_followup(
    session: Session, found: Located, followup: tables.Followup, status: str, reason: str, code: str | None = None
) -> None:
    agents.update_followup(session, followup.id, status=status, error_message=reason)
    facts: list[e.Event] = [
        e.FollowUpDropped(
            at=database_now(session),
            task_key=found.task.key,
            agent_id=followup.agent_id,
            followup_id=str(followup.id),
            reason=reason,
        )
    ]
    if code is not None:
        facts.append(_ended(session, found, AttemptStatus.FAILED, code, reason))
    record_facts(session, found.snapshot, facts)


def _ended(
    session: Session, found: Located, status: AttemptStatus, code: str | None, error: str | None
) -> e.AttemptEnded:
    return e.AttemptEnded(
        at=database_now(session),
        task_key=found.task.key,
        agent_id=found.attempt.agent_id,
        status=status,
        code=code,
        error=error,
    )


def _finish(session: Session, job: ClaimedJob, agent_id: str) -> None:
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)


def _agent_id(job: ClaimedJob) -> str:
    if job.agent_id is None:
        raise ValueError(f"a {job.kind} job must name its agent")
    return job.agent_id


def _followup_id(job: ClaimedJob) -> UUID:
    return UUID(str(job.args["followup_id"]))
