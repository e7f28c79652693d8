"""What launching and following up share: where an agent belongs, who waits for a person, how a job ends."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.accounts import HELD_CODES, Trouble, trouble_of
from cursor_monitor.domain.jobs import (
    ClaimedJob,
    Outcome,
    Snooze,
)
from cursor_monitor.domain.orchestration import Attempt, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, OrchestrationStatus
from cursor_monitor.services.account_health import PROBE_SECONDS, why_held
from cursor_monitor.store import agents, jobs, notices, orchestrations, tables
from cursor_monitor.store.events import database_now

FOR_A_PERSON = {
    "key": "Cursor does not accept this kind of API key for it. Use another account, then resume.",
    "plan": "Cursor's plan or permissions do not allow this. Have them changed at Cursor, then resume.",
    "money": "Cursor's usage limit is reached. Raise it at Cursor, then resume.",
    "repository": "Cursor cannot see the repository or its branch: renamed, deleted, made private, or not opened to "
    "Cursor's app. Mend that at the code host, then resume; or cancel and launch anew under its new name.",
}
# What is about the key and not about the one request waits even where no orchestration could be resumed.
FOR_THE_ACCOUNT = frozenset({"key", "plan", "money"})
_HELD_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 2.0


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


def held_outcome(code: str) -> Outcome:
    """When a job that waits for a person or the account looks again."""
    is_probe = code not in HELD_CODES or trouble_of(code) is Trouble.MONEY  # nothing but another try can tell
    return Snooze(PROBE_SECONDS if is_probe else _HELD_SECONDS, forgets=False)


def held_facts(
    session: Session, found: Located, code: str, message: str, kind: str | None, followup_id: str | None = None
) -> list[e.Event]:
    """That it waits for a person, and that all of it is blocked where nothing else stopped it."""
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
    summary = FOR_A_PERSON[kind or "plan"]
    if agent is not None:
        summary = why_held(session, agent.account_id, code, summary)
    return [held, e.OrchestrationBlocked(at=now, code=code, summary=summary)]


def waits_alone(code: str, kind: str | None) -> bool:
    """True where an agent of its own waits: the refusal is about the key and not about the one request."""
    return code in HELD_CODES or kind in FOR_THE_ACCOUNT


def waiting_words(what: str, code: str, message: str) -> str:
    """What to say of an agent of its own that waits."""
    said = f"Cursor refused the {what} ({code}): {message.rstrip('.')}."
    return f"{said} Have that changed at Cursor, or stop it and use another account. It waits and goes on by itself."


def ended_fact(
    session: Session, found: Located, status: AttemptStatus, code: str | None, error: str | None
) -> e.AttemptEnded:
    """That an attempt has come to its end."""
    return e.AttemptEnded(
        at=database_now(session),
        task_key=found.task.key,
        agent_id=found.attempt.agent_id,
        status=status,
        code=code,
        error=error,
    )


def finish(session: Session, job: ClaimedJob, agent_id: str) -> None:
    """Tell of the agent, and complete the job with what was written."""
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)


def agent_id_of(job: ClaimedJob) -> str:
    """The agent that a job is about; ValueError where it names none."""
    if job.agent_id is None:
        raise ValueError(f"a {job.kind} job must name its agent")
    return job.agent_id
