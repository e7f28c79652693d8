"""What a person does to a single agent: launch, follow up, stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.fleet import TAGS_LIMIT, BulkAction, check_tag
from cursor_monitor.domain.ids import mint_agent_id, mint_uuid7
from cursor_monitor.domain.jobs import cancel_job, change_job, followup_job, launch_job
from cursor_monitor.domain.launch import to_json
from cursor_monitor.engine import plan
from cursor_monitor.services import uploads
from cursor_monitor.services.caller import personal
from cursor_monitor.services.caps import begin_by_hand
from cursor_monitor.services.governed import govern_agent
from cursor_monitor.services.launching import check_extras, check_launch, known_models
from cursor_monitor.services.orchestrations import check_followup_text, for_account
from cursor_monitor.services.standing import Standing, load, why_not
from cursor_monitor.services.task_followup import SCOPE, followup_task
from cursor_monitor.store import agents, fleet, idempotency, jobs, notices, tables, words
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

Action = Literal["archive", "unarchive", "delete"]


@transactional
def launch(session: Session, fields: Mapping[str, Any], *, by: str, idempotency_key: str | None = None) -> str:
    """Record a new agent and ask a worker to launch it; returns its id, which is minted here.

    Raises Invalid naming the field, Conflict where the key was used with another body.
    """
    account, rest = for_account(session, fields)
    request, extras = check_launch(rest, known_models(session, account))
    request, extras = govern_agent(session, request, extras, several=rest.get("repositories") is not None)
    agent_id = mint_agent_id()
    if idempotency_key is not None:
        known = idempotency.claim_key(session, "agents", idempotency_key, fields, agent_id)
        if known != agent_id:
            return known
    now = database_now(session)
    begin_by_hand(session, account, now, agents=1)
    agents.insert_agent(
        session,
        id=agent_id,
        name=request.name or plan.first_line(request.prompt),
        origin="person",
        account_id=account,
        launch_status="requested",
        repository=request.repository,
        ref=request.ref,
        model=request.model,
        prompt=request.prompt,
        auto_create_pr=request.options.auto_create_pr,
        launch_options=to_json(extras),
        created_by=by,
        created_at=now,
    )
    uploads.hold(session, extras.images, agent_id)
    jobs.enqueue(session, [launch_job(agent_id)])
    notices.announce(session, f"agent:{agent_id}")
    return agent_id


def followup(
    agent_id: str,
    text: str,
    *,
    by: str,
    extras: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> str:
    """Send a follow-up once the agent is free; returns its id. Raises Conflict where the agent takes none.

    `extras` are its mode, model, model_params and images; raises Invalid naming the one that cannot be. The same key
    with the same follow-up again returns the same id and sends nothing.

    An agent that an orchestration is still working with is followed up through its task, so that the engine knows.
    """
    with reading() as session:
        agent = _known(agents.find(session, agent_id), agent_id)
        live = agents.live_task(session, agent_id)
    if live is not None:
        for name in extras or {}:
            raise Invalid(name, "cannot be sent while an orchestration works with the agent; send the text alone")
        return followup_task(str(agent.orchestration_id), live, text, by=by, idempotency_key=idempotency_key)
    return _followup_alone(agent_id, text, extras or {}, by=by, idempotency_key=idempotency_key)


@transactional
def stop(session: Session, agent_id: str, *, by: str) -> None:
    """Cancel what the agent is doing; raises Conflict where it does nothing."""
    standing = _standing(session, agent_id)
    agent = _allowed(BulkAction.STOP, standing)
    if standing.stops_before_launch:
        agents.update(session, agent_id, launch_status="cancelled", error_message=f"Stopped by {by} before its launch.")
    else:
        parent = str(agent.orchestration_id) if agent.orchestration_id else None
        words.note_asked(session, [agent_id], "stop")
        jobs.enqueue(session, [cancel_job(agent_id, agent.latest_run_id or "", parent)])
    notices.announce(session, f"agent:{agent_id}")


@transactional
def change(session: Session, agent_id: str, action: Action, *, by: str = "") -> None:
    """Archive, unarchive or delete an agent at Cursor; raises Conflict where that makes no sense now."""
    _allowed(BulkAction(action), _standing(session, agent_id))
    words.note_asked(session, [agent_id], action)
    jobs.enqueue(session, [change_job(agent_id, action)])
    notices.announce(session, f"agent:{agent_id}")


@transactional
def tag(session: Session, agent_id: str, word: str, *, by: str) -> None:
    """Put a tag on an agent; raises Invalid for one that cannot be, or is one too many."""
    chosen = check_tag(word)
    _standing(session, agent_id)
    kept = fleet.select_tags(session, [agent_id])[agent_id]
    if len(kept) >= TAGS_LIMIT and chosen not in kept:
        raise Invalid("tag", f"is one too many: an agent has at most {TAGS_LIMIT}; take another off first")
    fleet.add_tags(session, [agent_id], chosen, by)
    notices.announce(session, f"agent:{agent_id}")


@transactional
def untag(session: Session, agent_id: str, word: str, *, by: str) -> None:
    """Take a tag off an agent; one that it does not have is no matter."""
    _standing(session, agent_id)
    fleet.remove_tags(session, [agent_id], word)
    notices.announce(session, f"agent:{agent_id}")


@transactional
def pin(session: Session, agent_id: str, is_pinned: bool, *, by: str) -> None:
    """Pin an agent for who acts, or let it go."""
    _standing(session, agent_id)
    fleet.set_pinned(session, [agent_id], personal(), is_pinned)
    notices.announce(session, f"agent:{agent_id}")


@transactional
def _followup_alone(
    session: Session, agent_id: str, text: str, fields: Mapping[str, Any], *, by: str, idempotency_key: str | None
) -> str:
    followup_id = mint_uuid7()
    if idempotency_key is not None:  # before anything is checked: what was sent cannot be sent twice, and need not
        asked = {"agent_id": agent_id, "prompt": text.strip(), **fields}
        known = idempotency.claim_key(session, SCOPE, idempotency_key, asked, str(followup_id))
        if known != str(followup_id):
            return known
    standing = _standing(session, agent_id)
    prompt, extras = check_followup_text(text), check_extras(fields, known_models(session, standing.agent.account_id))
    if standing.has_pending:
        raise Conflict("A follow-up to this agent is still waiting to be sent.", code="followup_pending")
    agent = _allowed(BulkAction.FOLLOWUP, standing)
    now = database_now(session)
    begin_by_hand(session, agent.account_id, now, followups=1)
    values = {"prompt": prompt, "options": to_json(extras), "created_by": by, "created_at": now}
    agents.insert_followup(session, id=followup_id, agent_id=agent_id, status="requested", **values)
    uploads.hold(session, extras.images, str(followup_id))
    jobs.enqueue(session, [followup_job(str(followup_id), agent_id)])
    notices.announce(session, f"agent:{agent_id}")
    return str(followup_id)


def _standing(session: Session, agent_id: str) -> Standing:
    found = load(session, [agent_id]).get(agent_id)
    if found is None:
        raise NotFound(f"No agent has the id {agent_id[:60]}.")
    return found


def _allowed(action: BulkAction, standing: Standing) -> tables.Agent:
    reason = why_not(action, standing)
    if reason is not None:
        raise Conflict(reason)
    return standing.agent


def _known(agent: tables.Agent | None, agent_id: str) -> tables.Agent:
    if agent is None:
        raise NotFound(f"No agent has the id {agent_id[:60]}.")
    return agent
