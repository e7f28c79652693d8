"""What a person does to a single agent: launch, follow up, stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, NotFound
from cursor_monitor.domain.ids import mint_agent_id, mint_uuid7
from cursor_monitor.domain.jobs import cancel_job, change_job, followup_job, launch_job
from cursor_monitor.domain.orchestration import Options
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.engine import plan
from cursor_monitor.services.orchestrations import check_followup_text, followup_task, model_ids
from cursor_monitor.store import agents, idempotency, jobs, notices, tables
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

Action = Literal["archive", "unarchive", "delete"]

_FIELDS = ("prompt", "repository", "ref", "model", "name")


@transactional
def launch(session: Session, fields: Mapping[str, Any], *, by: str, idempotency_key: str | None = None) -> str:
    """Record a new agent and ask a worker to launch it; returns its id, which is minted here.

    Raises Invalid naming the field, Conflict where the key was used with another body.
    """
    wanted = {name: value for name, value in fields.items() if name != "auto_create_pr"}
    pull_request = fields.get("auto_create_pr")
    options = {} if pull_request is None else {"options": {"auto_create_pr": pull_request}}
    plan.refuse_unknown(wanted, frozenset(_FIELDS))
    request = plan.parse_request({**wanted, **options}, Options(auto_create_pr=False), model_ids(session))
    agent_id = mint_agent_id()
    if idempotency_key is not None:
        known = idempotency.claim_key(session, "agents", idempotency_key, fields, agent_id)
        if known != agent_id:
            return known
    agents.insert_agent(
        session,
        id=agent_id,
        name=request.name or plan.first_line(request.prompt),
        origin="person",
        launch_status="requested",
        repository=request.repository,
        ref=request.ref,
        model=request.model,
        prompt=request.prompt,
        auto_create_pr=request.options.auto_create_pr,
        created_by=by,
        created_at=database_now(session),
    )
    jobs.enqueue(session, [launch_job(agent_id)])
    notices.announce(session, f"agent:{agent_id}")
    return agent_id


def followup(agent_id: str, text: str, *, by: str) -> str:
    """Send a follow-up once the agent is free; returns its id. Raises Conflict where the agent takes none.

    An agent that an orchestration is still working with is followed up through its task, so that the engine knows.
    """
    with reading() as session:
        agent = _known(agents.find(session, agent_id), agent_id)
        live = agents.live_task(session, agent_id)
    if live is not None:
        followup_task(str(agent.orchestration_id), live, text, by=by)
        return _newest_followup(agent_id)
    return _followup_alone(agent_id, text, by=by)


@transactional
def stop(session: Session, agent_id: str, *, by: str) -> None:
    """Cancel what the agent is doing; raises Conflict where it does nothing."""
    agent = _known(agents.find(session, agent_id, lock=True), agent_id)
    if agent.launch_status == "requested" and agent.origin == "person":
        agents.update(session, agent_id, launch_status="cancelled", error_message=f"Stopped by {by} before its launch.")
    elif agent.launch_status == "launched" and agent.latest_run_id and agent.run_status not in RUN_TERMINAL:
        parent = str(agent.orchestration_id) if agent.orchestration_id else None
        jobs.enqueue(session, [cancel_job(agent_id, agent.latest_run_id, parent)])
    else:
        raise Conflict("The agent is not working, so there is nothing to stop.")
    notices.announce(session, f"agent:{agent_id}")


@transactional
def change(session: Session, agent_id: str, action: Action) -> None:
    """Archive, unarchive or delete an agent at Cursor; raises Conflict where that makes no sense now."""
    agent = _known(agents.find(session, agent_id, lock=True), agent_id)
    if agent.launch_status != "launched" or agent.agent_status == "DELETED":
        raise Conflict("There is no such agent at Cursor: it was not launched, or it is deleted.")
    if (action == "archive" and agent.agent_status == "ARCHIVED") or (
        action == "unarchive" and agent.agent_status != "ARCHIVED"
    ):
        raise Conflict(f"The agent is {'already' if action == 'archive' else 'not'} archived.")
    if action != "unarchive" and agent.is_working:
        raise Conflict("The agent is working; stop it first.")
    if action != "unarchive" and agents.live_task(session, agent_id) is not None:
        raise Conflict("An orchestration still works with this agent; cancel or finish that first.")
    jobs.enqueue(session, [change_job(agent_id, action)])
    notices.announce(session, f"agent:{agent_id}")


@transactional
def _followup_alone(session: Session, agent_id: str, text: str, *, by: str) -> str:
    agent = _known(agents.find(session, agent_id, lock=True), agent_id)
    prompt = check_followup_text(text)
    if agent.launch_status != "launched" or agent.agent_status in ("ARCHIVED", "DELETED"):
        raise Conflict("The agent takes no follow-ups: it was not launched, or it is archived or deleted.")
    if any(f.status in ("requested", "sending") for f in agents.select_followups(session, agent_id)):
        raise Conflict("A follow-up to this agent is still waiting to be sent.", code="followup_pending")
    followup_id = mint_uuid7()
    agents.insert_followup(
        session,
        id=followup_id,
        agent_id=agent_id,
        prompt=prompt,
        status="requested",
        created_by=by,
        created_at=database_now(session),
    )
    jobs.enqueue(session, [followup_job(str(followup_id), agent_id)])
    notices.announce(session, f"agent:{agent_id}")
    return str(followup_id)


def _newest_followup(agent_id: str) -> str:
    with reading() as session:
        return str(agents.select_followups(session, agent_id)[-1].id)


def _known(agent: tables.Agent | None, agent_id: str) -> tables.Agent:
    if agent is None:
        raise NotFound(f"No agent has the id {agent_id[:60]}.")
    return agent
