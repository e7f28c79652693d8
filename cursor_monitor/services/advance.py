"""The one way an orchestration changes: lock, load, fold in the facts, decide, write all of it, commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.jobs import NewJob, advance_job, cancel_job, change_job, followup_job, launch_job, look_job
from cursor_monitor.domain.orchestration import PLANNER_KEY, WORK, Snapshot
from cursor_monitor.engine.fold import evolve
from cursor_monitor.services import limits, notify
from cursor_monitor.services.tuning import current
from cursor_monitor.store import agents, jobs, notices, orchestrations, spending
from cursor_monitor.store import events as event_store
from cursor_monitor.store.database import transactional


@transactional
def advance(session: Session, orchestration_id: str) -> None:
    """Look at one orchestration, decide what comes next, and record it; an unknown id is nothing to do."""
    snapshot = orchestrations.lock_snapshot(session, UUID(orchestration_id))
    if snapshot is not None:
        record_facts(session, snapshot, [])


def record_facts(session: Session, snapshot: Snapshot, facts: Sequence[e.Event]) -> Snapshot:
    """Fold in what happened, decide what follows, write both; the caller holds the lock of the orchestration."""
    after = snapshot
    for fact in facts:
        after = evolve(after, fact)
    now = event_store.database_now(session)
    decision = limits.decide_within(session, after, now)
    events = [*facts, *decision.events]
    write(session, snapshot, decision.snapshot, events, wake_at=decision.wake_at)
    jobs.enqueue(session, limits.after_decision(session, decision.snapshot, events, now))
    return decision.snapshot


def write(
    session: Session,
    before: Snapshot | None,
    after: Snapshot,
    events: Sequence[e.Event],
    *,
    wake_at: datetime | None = None,
) -> None:
    """Write events, the state after them, and the jobs they ask for; without events only the next look is noted."""
    wanted: list[NewJob] = []
    if events:
        consequences = [_react(after, event) for event in events]
        agents.insert_agents(session, [c.agent for c in consequences if c.agent is not None])
        orchestrations.save(session, before, after)
        event_store.append(session, UUID(after.id), after.seq - len(events) + 1, events)
        for consequence in consequences:
            if consequence.followup is not None:
                agents.insert_followup(session, **consequence.followup)
            wanted.extend(consequence.jobs)
        for event in events:
            if isinstance(event, e.FollowUpDropped):
                agents.cancel_followups(session, [UUID(event.followup_id)], event.reason)
            if isinstance(event, e.AttemptReleased):
                agents.update(session, event.agent_id, error_code=None, error_message=None)
        _count(session, after.account_id, events)
        notify.tell_events(session, after, events)
        notices.announce(session, f"orchestration:{after.id}")
    if wake_at is not None:
        wanted.append(advance_job(after.id, wake_at))
    jobs.enqueue(session, wanted)


def _count(session: Session, account_id: str, events: Sequence[e.Event]) -> None:
    agents_begun = sum(isinstance(event, e.AttemptRequested) for event in events)
    followups = sum(isinstance(event, e.FollowUpRequested) for event in events)
    spending.add(session, account_id, events[-1].at, agents=agents_begun, followups=followups)


@dataclass(frozen=True, slots=True)
class _Consequence:
    """The rows and jobs that one event brings."""

    jobs: tuple[NewJob, ...] = ()
    agent: dict[str, object] | None = None
    followup: dict[str, object] | None = None


def _react(s: Snapshot, event: e.Event) -> _Consequence:
    match event:
        case e.OrchestrationRequested():
            return _Consequence(jobs=(advance_job(s.id),))
        case e.AttemptRequested():
            return _Consequence(jobs=(launch_job(event.agent_id, s.id),), agent=_agent_values(s, event))
        case e.AttemptReleased():
            if event.followup_id:
                return _Consequence(jobs=(followup_job(event.followup_id, event.agent_id, s.id),))
            return _Consequence(jobs=(launch_job(event.agent_id, s.id),))
        case e.FollowUpRequested():
            job = followup_job(event.followup_id, event.agent_id, s.id)
            return _Consequence(jobs=(job,), followup=_followup_values(event))
        case e.AttemptLaunched() | e.FollowUpSent():
            soon = event.at + timedelta(seconds=current().observe_min_seconds)
            return _Consequence(jobs=(look_job(event.agent_id, s.id, soon),))
        case e.CandidateKept():
            return _Consequence(jobs=tuple(change_job(agent_id, "archive") for agent_id in event.archived))
        case e.RunCancelRequested():
            return _Consequence(jobs=(cancel_job(event.agent_id, event.run_id, s.id),))
        case _:
            return _Consequence()


def _agent_values(s: Snapshot, event: e.AttemptRequested) -> dict[str, object]:
    return {
        "id": event.agent_id,
        "name": event.name,
        "origin": "orchestration",
        "orchestration_id": UUID(s.id),
        "task_key": event.task_key,
        "launch_status": "requested",
        "account_id": s.account_id,
        "repository": s.repository,
        "ref": event.ref,
        "model": event.model,
        "prompt": event.prompt,
        "auto_create_pr": s.options.auto_create_pr and event.task_key != PLANNER_KEY and event.role == WORK,
        "created_by": s.created_by,
        "created_at": event.at,
    }


def _followup_values(event: e.FollowUpRequested) -> dict[str, object]:
    return {
        "id": UUID(event.followup_id),
        "agent_id": event.agent_id,
        "prompt": event.prompt,
        "status": "requested",
        "created_by": event.by,
        "created_at": event.at,
    }
