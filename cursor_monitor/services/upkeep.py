"""What a worker does to a single agent on request: archive, unarchive, delete, and read its usage and artifacts."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlmodel import Session

from cursor_monitor.cursor.api import Artifact, CursorApi
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.jobs import ClaimedJob, Outcome, Settled, read_job
from cursor_monitor.services.governor import again
from cursor_monitor.store import agents, cache, jobs, notices
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

FRESH_SECONDS = 60.0
SETTLED_SECONDS = 10.0
_RECORDED_SECONDS = 600.0
_AT_ONCE = 10


async def change_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Archive, unarchive or delete an agent; each may be repeated, so a lost answer is asked for again."""
    agent_id, action = job.agent_id or "", str(job.args["action"])
    try:
        status = await _change(api, agent_id, action)
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    except Permanent as error:
        if error.kind != "gone":
            await asyncio.to_thread(_record_refused, job, agent_id, action, error.code, error.message)
            return Settled()
        status = "DELETED"
    await asyncio.to_thread(_record_status, job, agent_id, status)
    return Settled()


async def _change(api: CursorApi, agent_id: str, action: str) -> str:
    match action:
        case "delete":
            await api.delete_agent(agent_id)
            return "DELETED"
        case "archive":
            await api.archive_agent(agent_id)
        case _:
            await api.unarchive_agent(agent_id)
    return (await api.get_agent(agent_id)).status


async def read_agent(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Read an agent's usage and artifacts and keep them; what Cursor refuses is kept as its reason."""
    agent_id = job.agent_id or ""
    try:
        usage = await _read_usage(api, agent_id)
        artifacts = await _read_artifacts(api, agent_id)
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    await asyncio.to_thread(_keep, job, agent_id, usage, artifacts)
    return Settled()


async def _read_usage(api: CursorApi, agent_id: str) -> dict[str, Any]:
    try:
        return {"usage": asdict(await api.get_usage(agent_id)), "refusal": None}
    except Permanent as error:
        return {"usage": None, "refusal": error.code}


async def _read_artifacts(api: CursorApi, agent_id: str) -> dict[str, Any]:
    try:
        return {"items": [_artifact(a) for a in await api.list_artifacts(agent_id)], "refusal": None}
    except Permanent as error:
        return {"items": [], "refusal": error.code}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    at: datetime | None = artifact.updated_at
    return {"path": artifact.path, "size_bytes": artifact.size_bytes, "updated_at": at.isoformat() if at else None}


@transactional
def want_facts(session: Session, agent_id: str) -> None:
    """Ask a worker to read usage and artifacts anew, unless that was done just now; raises NotFound."""
    agent = agents.find(session, agent_id)
    if agent is None:
        raise NotFound(f"No agent has the id {agent_id[:60]}.")
    known = cache.get(session, f"usage:{agent_id}")
    read_at = known[1] if known and known[1] > agent.active_at else None  # what it did since may have left files
    is_fresh = read_at is not None and (database_now(session) - read_at).total_seconds() < FRESH_SECONDS
    if agent.launch_status == "launched" and agent.agent_status != "DELETED" and not is_fresh:
        jobs.enqueue(session, [read_job(agent_id, is_awaited=True)])


@transactional
def _keep(session: Session, job: ClaimedJob, agent_id: str, usage: dict[str, Any], artifacts: dict[str, Any]) -> None:
    cache.put(session, f"usage:{agent_id}", usage)
    cache.put(session, f"artifacts:{agent_id}", artifacts)
    _note_spent(session, agent_id, usage)
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)


def _note_spent(session: Session, agent_id: str, usage: dict[str, Any]) -> None:
    """What Cursor has not recorded within minutes of the last sign of life it will not record."""
    agent, now, spent = agents.find(session, agent_id), database_now(session), usage["usage"] or {}
    is_recorded = spent.get("total_tokens") is not None or usage["refusal"] is not None
    if agent is None or not (is_recorded or (now - agent.active_at).total_seconds() > _RECORDED_SECONDS):
        return
    agents.update(
        session, agent_id, tokens=spent.get("total_tokens"), cost_cents=spent.get("charged_cents"), usage_at=now
    )


@transactional
def read_spending(session: Session) -> int:
    """Ask workers to read what agents used that came to rest a while ago, a few at a time; how many."""
    wanted = agents.select_unread_usage(session, settled_seconds=SETTLED_SECONDS, limit=_AT_ONCE)
    jobs.enqueue(session, [read_job(agent_id) for agent_id in wanted])
    return len(wanted)


@transactional
def _record_status(session: Session, job: ClaimedJob, agent_id: str, status: str) -> None:
    now = database_now(session)
    agents.update(session, agent_id, agent_status=status, error_code=None, error_message=None, observed_at=now)
    if status == "DELETED":
        cache.forget(session, f"usage:{agent_id}", f"artifacts:{agent_id}")
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)


@transactional
def _record_refused(session: Session, job: ClaimedJob, agent_id: str, action: str, code: str, message: str) -> None:
    plain = f"Cursor refused to {action} the agent ({code}): {message}"
    agents.update(session, agent_id, error_code=code, error_message=plain)
    notices.announce(session, f"agent:{agent_id}")
    jobs.complete_held(session, job)
