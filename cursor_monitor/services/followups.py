"""Following up: a prompt that is sent to an agent once, whatever dies on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.cursor import fence
from cursor_monitor.cursor.api import CursorApi, RunView
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain import events as e
from cursor_monitor.domain.jobs import (
    ClaimedJob,
    Done,
    LeaseLost,
    Outcome,
    Settled,
    Snooze,
    look_job,
)
from cursor_monitor.domain.status import AttemptStatus
from cursor_monitor.services.account_health import why_held
from cursor_monitor.services.advance import record_facts
from cursor_monitor.services.effects import (
    FOR_A_PERSON,
    LOOK_AGAIN_SECONDS,
    Located,
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
from cursor_monitor.services.launching import run_options
from cursor_monitor.store import agents, jobs, notices, tables, uploads
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

_BUSY_SECONDS = 3.0
# So long before the end of the lease nothing is sent any more: what leaves last still has to arrive.
_FENCE_SECONDS = 2.0
_FENCE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Sending:
    agent_id: str
    prompt: str
    is_sending: bool  # an earlier try may have reached Cursor
    previous_run_id: str | None
    options: dict[str, Any]  # of create_run, beside the prompt


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
        return again(error, LOOK_AGAIN_SECONDS)
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
    return held_outcome(code) if waits else Settled()


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
    found = locate(session, agents.find(session, agent_id_of(job)))
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
    agent_id, followup_id = agent_id_of(job), _followup_id(job)
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
    finish(session, job, agent_id)


@transactional
def _record_followup_refused(session: Session, job: ClaimedJob, code: str, message: str, kind: str | None) -> bool:
    """True where the job itself is to wait, for an agent of its own whose account cannot be used."""
    agent_id, followup_id = agent_id_of(job), _followup_id(job)
    followup = agents.find_followup(session, followup_id)
    agent = agents.find(session, agent_id)
    found = locate(session, agent)
    if found is not None and not any(f.id == str(followup_id) for f in found.attempt.followups):
        found = None  # what a person asks of an agent after its orchestration ended is theirs alone
    if found is not None and kind in FOR_A_PERSON:
        _await_sending(session, followup)
        record_facts(session, found.snapshot, held_facts(session, found, code, message, kind, str(followup_id)))
    elif found is None and agent is not None and followup is not None and waits_alone(code, kind):
        words = waiting_words("follow-up", code, message)
        _await_sending(session, followup, why_held(session, agent.account_id, code, words))
        notices.announce(session, f"agent:{agent_id}")
        return True
    elif followup is not None:
        _fail_followup(session, found, followup, code, f"Cursor refused the follow-up ({code}): {message}")
    finish(session, job, agent_id)
    return False


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
        facts.append(ended_fact(session, found, AttemptStatus.FAILED, code, reason))
    record_facts(session, found.snapshot, facts)


def _followup_id(job: ClaimedJob) -> UUID:
    return UUID(str(job.args["followup_id"]))
