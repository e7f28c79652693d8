"""Conversations as they are stored, fenced, read and searched."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cursor_monitor.cursor.stream import AssistantFrame, Frame, ResultFrame, ThinkingFrame, ToolCallFrame
from cursor_monitor.domain.conversation import ClaimedStream
from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.queries.conversation import EntryRow, get_conversation, search_conversations
from cursor_monitor.services import agents, streams
from cursor_monitor.services.transcript import Transcript
from cursor_monitor.store import agents as store
from cursor_monitor.store.database import transaction
from tests.support.plans import buffers, explained, indexes
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump

NOW = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> \x00 \x02 \ud800 👩‍👩‍👧"


def add_run(agent_id: str, run_id: str, prompt: str = "Do it.") -> None:
    """A run of an agent that is there, as a worker records one."""
    with transaction() as session:
        store.update(session, agent_id, launch_status="launched", latest_run_id=run_id, run_status="RUNNING")
        store.save_run(
            session, id=run_id, agent_id=agent_id, status="RUNNING", prompt=prompt, created_at=datetime.now(UTC)
        )


def agent_with_run(run_id: str, prompt: str = "Do it.") -> str:
    agent_id = agents.launch({"prompt": prompt, "repository": "acme/web"}, by="test")
    add_run(agent_id, run_id, prompt)
    return agent_id


def claim(worker: str = "w", room: int = 100) -> list[ClaimedStream]:
    found, _ = streams.claim_streams(worker=worker, held=[], room=room, lease_seconds=60, holder=None, suspects=set())
    return found


def tell(transcript: Transcript, *frames: Frame) -> bool:
    """Write what the frames say; whether it was ours to write."""
    for frame in frames:
        transcript.take_in(frame, NOW)
    write = transcript.take()
    assert write is not None
    return bool(streams.write_streams([write]))


def said(number: int, text: str) -> Frame:
    return AssistantFrame(f"{number}-0", text)


def used(number: int, call: str, **args: str) -> Frame:
    return ToolCallFrame(f"{number}-0", call, "edit_file", "completed", args, {"success": {}}, frozenset())


def end(number: int) -> Frame:
    return ResultFrame(f"{number}-0", None, "FINISHED", "Done.", 1, ())


def texts(entries: tuple[EntryRow, ...]) -> list[tuple[str, str]]:
    return [(entry.kind, entry.text or entry.path or "") for entry in entries]


def test_a_conversation_is_read_in_pages_from_either_end(database: str) -> None:
    agent_id = agent_with_run("run-1", "First.")
    (stream,) = claim()
    frames = [ThinkingFrame("1-0", "Hm."), said(2, "I "), said(3, "see."), used(4, "c1", path="a.py"), said(5, "Done.")]
    assert tell(Transcript(stream), *frames, end(6))
    add_run(agent_id, "run-2", "Second.")
    whole = [("user", "First."), ("thinking", "Hm."), ("assistant", "I see."), ("tool", "a.py"), ("assistant", "Done.")]
    whole.append(("user", "Second."))
    assert texts(get_conversation(agent_id).items) == whole, "the second run is told by what is known without a stream"
    for newest_first in (False, True):
        found: list[EntryRow] = []
        cursor = None
        while True:
            page = get_conversation(agent_id, cursor=cursor, limit=2, newest_first=newest_first)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert texts(tuple(found)) == (whole[::-1] if newest_first else whole)
    assert [(s.run_id, s.state, s.source) for s in page.streams] == [
        ("run-2", "waiting", None),
        ("run-1", "ended", "stream"),
    ]


def test_an_agent_that_waits_for_its_launch_shows_its_prompt(database: str) -> None:
    agent_id = agents.launch({"prompt": "Soon.", "repository": "acme/web"}, by="test")
    assert texts(get_conversation(agent_id).items) == [("user", "Soon.")]
    with pytest.raises(NotFound):
        get_conversation("bc-nobody")


def test_a_stale_holder_writes_nothing(database: str) -> None:
    agent_with_run("run-1")
    (stale,) = claim("first")
    assert claim("second") == []
    ask(database, "UPDATE run_streams SET leased_until = now() - interval '1 s'")
    (fresh,) = claim("second")
    assert fresh.lease_token > stale.lease_token
    assert tell(Transcript(fresh), said(1, "mine"))
    assert not tell(Transcript(stale), said(1, "twice"))
    assert ask(database, "SELECT kind, text FROM agent_messages ORDER BY position") == [
        ("user", "Do it."),
        ("assistant", "mine"),
    ]


def test_a_write_whose_answer_was_lost_is_not_made_twice(database: str) -> None:
    agent_with_run("run-1")
    (stream,) = claim()
    transcript = Transcript(stream)
    transcript.take_in(said(1, "once"), NOW)
    write = transcript.take()
    assert write is not None
    assert streams.write_streams([write]) == streams.write_streams([write]) == {"run-1"}
    assert ask_one(database, "SELECT string_agg(text, '') FROM agent_messages WHERE kind = 'assistant'") == "once"
    assert streams.write_streams([replace(write, revision=5)]) == set()


def test_runs_that_go_on_come_first_the_most_lately_active_before_others(database: str) -> None:
    for number in range(4):
        agent_with_run(f"run-{number}")
    ask(database, "UPDATE agent_runs SET ended_at = now() WHERE id = 'run-3'")
    ask(database, "UPDATE run_streams SET heard_at = now() + interval '1 min' WHERE run_id = 'run-0'")
    assert {s.run_id for s in claim("w", 2)} == {"run-0", "run-2"}
    assert {s.run_id for s in claim("v", 1)} == {"run-1"}
    assert {s.run_id for s in claim("u", 9)} == {"run-3"}


async def test_the_end_of_a_stream_brings_the_next_look_forward(pump: Pump, database: str) -> None:
    agent_id = agent_with_run("run-1")
    (stream,) = claim()
    due = "SELECT count(*) FROM orchestration_outbox_jobs WHERE kind = 'observe_agent' AND agent_id = %s"
    assert ask_one(database, due, (agent_id,)) == 0
    assert tell(Transcript(stream), said(1, "Yes."), end(2))
    assert ask_one(database, due, (agent_id,)) == 1


def test_everything_said_is_found_by_its_words(database: str) -> None:
    first, second = agent_with_run("run-1", "Mend the flaky tests."), agent_with_run("run-2", "Write the manual.")
    by_run = {stream.run_id: Transcript(stream) for stream in claim()}
    tell(
        by_run["run-1"], said(1, f"The cache was never invalidated. {HOSTILE}"), used(2, "c", path="src/cache_keys.py")
    )
    tell(by_run["run-2"], said(1, "Invalidation is explained in chapter two."), said(2, " And still growing"))
    found = search_conversations("invalidate cache")
    assert [(row.agent_id, row.kind) for row in found.items] == [(first, "assistant")]
    snippet = found.items[0].snippet
    assert [piece.text for piece in snippet if piece.is_match] == ["cache", "invalidated"]
    shown = "".join(piece.text for piece in snippet)
    assert shown == f"The cache was never invalidated. {HOSTILE.replace(chr(0), '').replace(chr(0xD800), '?')}"
    assert [row.kind for row in search_conversations("cache_keys.py").items] == ["tool"]
    assert [row.agent_id for row in search_conversations('"flaky test"').items] == [first]
    assert search_conversations("manual", agent_id=first).items == ()
    assert search_conversations("growing").items == (), "what is still being said is found once it is said"
    tell(by_run["run-2"], end(3))
    assert [row.agent_id for row in search_conversations("growing").items] == [second]
    for broken in ("", "  ", "the", "x" * 301):
        with pytest.raises(Invalid):
            search_conversations(broken)
    for strange in ("a & | !", "'\"(:*", "\\", "-"):
        with contextlib.suppress(Invalid):
            search_conversations(strange)


def test_a_search_reads_the_index_not_the_table(database: str) -> None:
    agent_with_run("run-1")
    many = (
        "INSERT INTO agent_messages (run_id, position, agent_id, kind, text, is_complete, started_at, updated_at)"
        " SELECT 'run-1', n, 'bc-1', 'assistant', 'word' || n || ' said again and again', true, now(), now()"
        " FROM generate_series(10, 20000) AS n"
    )
    ask(database, many)
    ask(database, "ANALYZE agent_messages")
    plan = explained(lambda: search_conversations("word777"), "WITH asked")
    assert "agent_messages_search" in indexes(plan)
    assert buffers(plan) < 300


def test_five_megabytes_are_taken_and_read_by_pages(database: str) -> None:
    agent_id = agent_with_run("run-1")
    (stream,) = claim()
    transcript = Transcript(stream)
    line = "All work and no play. "
    for number in range(50):
        assert tell(transcript, said(number + 1, line * 5_000))
    tell(transcript, end(99))
    assert (
        ask_one(database, "SELECT sum(length(text)) FROM agent_messages WHERE kind = 'assistant'")
        == 50 * len(line) * 5_000
    )
    page = get_conversation(agent_id, newest_first=True, limit=3)
    assert [entry.is_complete for entry in page.items] == [True] * 3
    assert page.next_cursor
