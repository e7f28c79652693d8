"""An agent's files: a worker asks Cursor for an address that is good for minutes, whoever wants the file goes there."""

from __future__ import annotations

import asyncio
import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session

from cursor_monitor.cursor.api import ArtifactUrl, CursorApi
from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain.errors import Conflict, Invalid, NotFound, Unavailable
from cursor_monitor.domain.jobs import ClaimedJob, Outcome, Settled, artifact_job
from cursor_monitor.services.governor import again
from cursor_monitor.store import agents, cache, jobs
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

PATH_LIMIT = 1000
WAIT_SECONDS = 20.0
_LOOK_SECONDS = 0.1
_LEFT = timedelta(seconds=60)  # an address that is about to expire is asked for anew
_LIFETIME = timedelta(minutes=15)
_REFUSED_FOR = timedelta(seconds=5)
_LOCAL = ("127.0.0.1", "localhost", "::1")


async def address_of(agent_id: str, path: str) -> str:
    """Where the file is, for some minutes; it is fetched from there without any key of ours.

    Raises Invalid for a path outside artifacts/, NotFound, Conflict, Unavailable where no worker answers in time.
    """
    checked = _checked(path)
    until = time.monotonic() + WAIT_SECONDS
    answer = await asyncio.to_thread(_ask, agent_id, checked)
    while answer is None and time.monotonic() < until:
        await asyncio.sleep(_LOOK_SECONDS)
        answer = await asyncio.to_thread(_look, agent_id, checked)
    if answer is None:
        raise Unavailable("No worker found the file in time; see that one runs, and try again.", code="no_answer")
    if answer["url"] is not None:
        return answer["url"]
    if answer["is_gone"]:
        raise NotFound(f"Cursor has no such file ({answer['code']}): {answer['message']}")
    raise Unavailable(f"Cursor does not give the file ({answer['code']}): {answer['message']}", code=answer["code"])


async def find_artifact(job: ClaimedJob, api: CursorApi) -> Outcome:
    """Ask Cursor where a file is, and keep the answer while it is good."""
    path = str(job.args["path"])
    try:
        answer = _found(await api.artifact_url(job.agent_id or "", path))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    except Permanent as error:
        answer = _refused(error.code, error.message, is_gone=error.kind == "gone")
    await asyncio.to_thread(_keep, job, path, answer)
    return Settled()


def _found(artifact: ArtifactUrl) -> dict[str, Any]:
    try:
        parts = urlsplit(artifact.url)
        is_sound = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    except ValueError:
        is_sound = False
    if not is_sound or not artifact.url.isprintable() or " " in artifact.url:
        return _refused("bad_response", "the address is none that a browser should go to", is_gone=False)
    until = artifact.expires_at or datetime.now(UTC) + _LIFETIME
    return {"url": artifact.url, "until": (until - _LEFT).isoformat()}


def _refused(code: str, message: str, *, is_gone: bool) -> dict[str, Any]:
    until = (datetime.now(UTC) + _REFUSED_FOR).isoformat()
    return {"url": None, "code": code, "message": message, "is_gone": is_gone, "until": until}


@transactional
def _ask(session: Session, agent_id: str, path: str) -> dict[str, Any] | None:
    agent = agents.find(session, agent_id)
    if agent is None:
        raise NotFound(f"No agent has the id {agent_id[:60]}.")
    if agent.launch_status != "launched" or agent.agent_status == "DELETED":
        raise Conflict("The agent is not at Cursor: it was not launched, or it is deleted, and its files with it.")
    known = _known(session, agent_id, path)
    if known is None:
        cache.forget(session, _key(agent_id, path))
        jobs.enqueue(session, [artifact_job(agent_id, path, _digest(path))])
    return known


def _look(agent_id: str, path: str) -> dict[str, Any] | None:
    with reading() as session:
        return _known(session, agent_id, path)


def _known(session: Session, agent_id: str, path: str) -> dict[str, Any] | None:
    found = cache.get(session, _key(agent_id, path))
    if found is None or datetime.fromisoformat(found[0]["until"]) <= database_now(session):
        return None
    return found[0]


@transactional
def _keep(session: Session, job: ClaimedJob, path: str, answer: dict[str, Any]) -> None:
    cache.put(session, _key(job.agent_id or "", path), answer)
    jobs.complete_held(session, job)


def _checked(path: str) -> str:
    parts = path.split("/")
    is_inside = parts[0] == "artifacts" and len(parts) > 1 and not any(part in ("", ".", "..") for part in parts)
    if not is_inside or "\\" in path or not path.isprintable() or len(path) > PATH_LIMIT:
        raise Invalid("path", "must be the path of a file below artifacts/, as GET artifacts lists it")
    return path


def _key(agent_id: str, path: str) -> str:
    return f"artifact:{agent_id}:{_digest(path)}"


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:24]
