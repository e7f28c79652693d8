"""The conversation of every run, taken from its stream: who reads which, and what is written of them together."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlmodel import Session

from cursor_monitor.cursor.api import CursorApi, Message
from cursor_monitor.cursor.errors import CursorError, Throttled
from cursor_monitor.domain.conversation import ClaimedStream, StreamWrite
from cursor_monitor.domain.jobs import observe_job
from cursor_monitor.domain.status import RUN_TERMINAL
from cursor_monitor.services.transcript import Transcript
from cursor_monitor.store import agents, conversation, jobs, notices, streams
from cursor_monitor.store.database import reading, transactional

_SYSTEM = "<system_notification>"


@transactional
def claim_streams(
    session: Session,
    *,
    worker: str,
    held: Collection[str],
    room: int,
    lease_seconds: float,
    holder: int | None,
    suspects: set[int],
) -> tuple[list[ClaimedStream], set[int]]:
    """Take streams that nobody reads, or whose worker seemed dead before and still does; with those that seem so."""
    gone = streams.select_orphans(session, worker=worker)
    if suspects & gone:
        streams.adopt(session, suspects & gone)
    if room <= 0:
        return [], gone
    found = streams.claim(session, worker=worker, held=held, room=room, lease_seconds=lease_seconds, holder=holder)
    return found, gone - suspects


@transactional
def renew_streams(
    session: Session, held: Sequence[ClaimedStream], *, worker: str, lease_seconds: float, holder: int | None
) -> set[int]:
    """Keep them; returns the tokens that are still held."""
    return streams.renew(session, held, worker=worker, lease_seconds=lease_seconds, holder=holder)


@transactional
def write_streams(session: Session, writes: Sequence[StreamWrite]) -> set[str]:
    """Write them all in one transaction, with their positions; returns the runs that were ours to write."""
    ours = streams.advance(session, writes)
    mine = [write for write in writes if write.run_id in ours]
    conversation.append(session, mine)
    for write in mine:
        if write.run_status is not None:
            _hint(session, write.agent_id)
    heard = {write.agent_id: write.facts["heard_at"] for write in mine if write.facts["heard_at"] is not None}
    if heard:
        agents.note_output(session, dict(sorted(heard.items())))
    if mine:
        notices.announce(session, *{f"conversation:{write.agent_id}" for write in mine})
    others = [write for write in writes if write.run_id not in ours]
    return ours | (streams.select_written(session, others) if others else set())


@transactional
def put_away(session: Session, write: StreamWrite, error: str) -> None:
    """Leave a stream alone for a while: what it says cannot be written."""
    streams.put_away(session, write.run_id, write.lease_token, error)


def _hint(session: Session, agent_id: str) -> None:
    """That a stream has ended is a reason to look now; what it says of the end is not taken for the truth."""
    agent = agents.find(session, agent_id)
    if agent is None or agent.launch_status != "launched" or agent.run_status in RUN_TERMINAL:
        return
    parent = str(agent.orchestration_id) if agent.orchestration_id else None
    jobs.enqueue(session, [observe_job(agent_id, parent)])


async def is_over(run_id: str) -> bool:
    """True where the run is known to have ended."""
    return await asyncio.to_thread(_is_over, run_id)


async def take_the_rest(api: CursorApi, transcript: Transcript, state: str) -> None:
    """The stream cannot be read any more: take what Cursor still tells of the conversation, or of its result."""
    start, now = transcript.start, datetime.now(UTC)
    result, age = await asyncio.to_thread(_known, start)
    transcript.has_gap = not transcript.is_empty
    if transcript.is_empty:
        said = _segment(await _conversation(api, start.agent_id), age)
        for message in said:
            kind = "user" if message.type == "user_message" else "assistant"
            if kind == "assistant" or start.prompt is None:
                transcript.say(kind, f"{message.text}\n\n", now)
        if said:
            transcript.end(state, "conversation")
            return
    if result:
        transcript.say("assistant", result, now)
    transcript.end(state, "result" if result else "stream")


async def _conversation(api: CursorApi, agent_id: str) -> tuple[Message, ...]:
    try:
        return await api.get_conversation(agent_id)
    except Throttled:
        raise
    except CursorError:
        return ()


def _segment(messages: Sequence[Message], age: int) -> list[Message]:
    """What was said in the run that is followed by `age` others: from one prompt to the next."""
    segments: list[list[Message]] = []
    for message in messages:
        if message.type == "user_message" and not message.text.startswith(_SYSTEM):
            segments.append([message])
        elif segments and message.type == "assistant_message":
            segments[-1].append(message)
    return segments[-1 - age] if age < len(segments) else []


def _is_over(run_id: str) -> bool:
    with reading() as session:
        return streams.is_over(session, run_id)


def _known(start: ClaimedStream) -> tuple[str | None, int]:
    """The run's result, as far as it is known, and how many runs of its agent came after it."""
    with reading() as session:
        runs = agents.select_runs(session, start.agent_id)
    after = [run.id for run in runs][::-1]
    result = next((run.result for run in runs if run.id == start.run_id), None)
    return result, after.index(start.run_id) if start.run_id in after else 0
