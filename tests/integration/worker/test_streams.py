"""Streams into the database: whatever happens on the way, every event once, and the same conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cursor_monitor.cursor.client import build_client
from cursor_monitor.cursor.stream import AssistantFrame, Frame, ResultFrame, ThinkingFrame, ToolCallFrame
from cursor_monitor.services import agents
from tests.support.postgres import ask, ask_one
from tests.support.processes import Simulator, Workers
from tests.support.waiting import eventually

RUNS = 6
SLOW = "Write it down. [[sim:slow:60]]"  # 1.8 s at the test's scale

Row = tuple[int, str, str]


def launch(count: int = RUNS, prompt: str = SLOW) -> list[str]:
    return [agents.launch({"prompt": prompt, "repository": "acme/web"}, by="test") for _ in range(count)]


def all_over(url: str, count: int = RUNS) -> bool:
    return ask_one(url, "SELECT count(*) FROM run_streams WHERE state <> 'open'") == count


def told(simulator: Simulator, agent_id: str, run_id: str) -> list[Frame]:
    """Everything that the simulator sent of a run, read once more from its beginning."""

    async def read() -> list[Frame]:
        client = build_client(simulator.url, "simulator")
        frames = [frame async for frame in client.stream_run(agent_id, run_id)]
        await client.aclose()
        return [f for f in frames if isinstance(f, AssistantFrame | ThinkingFrame | ToolCallFrame | ResultFrame)]

    return asyncio.run(read())


def expected(prompt: str, frames: Sequence[Frame]) -> list[Row]:
    """The conversation, worked out in the plainest way."""
    rows: list[Row] = [(0, "user", prompt)]
    for frame in frames:
        match frame:
            case AssistantFrame(text=text) | ThinkingFrame(text=text):
                kind = "assistant" if isinstance(frame, AssistantFrame) else "thinking"
                if rows[-1][1] == kind:
                    rows[-1] = (rows[-1][0], kind, rows[-1][2] + text)
                else:
                    rows.append((len(rows), kind, text))
            case ToolCallFrame(status="running"):
                rows.append((len(rows), "tool", frame.call_id))
            case _:
                pass
    return rows


def stored(url: str, run_id: str) -> list[Row]:
    return ask(  # pyright: ignore[reportReturnType]
        url,
        "SELECT position, kind, text FROM agent_messages WHERE run_id = %s UNION ALL"
        " SELECT position, 'tool', call_id FROM agent_tool_events WHERE run_id = %s ORDER BY 1",
        (run_id, run_id),
    )


def assert_nothing_lost_or_doubled(url: str, simulator: Simulator, prompt: str = SLOW) -> None:
    rows = ask(url, "SELECT run_id, agent_id, events, state, source, has_gap FROM run_streams")
    assert rows
    for run_id, agent_id, events, state, source, has_gap in rows:
        frames = told(simulator, agent_id, run_id)
        assert stored(url, run_id) == expected(prompt, frames)
        assert (events, state, source, has_gap) == (len(frames), "ended", "stream", False)
    assert ask_one(url, "SELECT count(*) FROM agent_messages WHERE NOT is_complete") == 0
    assert ask_one(url, "SELECT count(*) FROM agent_tool_events WHERE outcome = 'running' OR path IS NULL") == len(
        ask(url, "SELECT 1 FROM agent_tool_events WHERE name = 'run_terminal_cmd'")
    )


def test_every_conversation_is_written_while_it_is_said(database: str, simulator: Simulator, workers: Workers) -> None:
    launch()
    workers.start()
    eventually(lambda: ask_one(database, "SELECT count(*) FROM agent_messages WHERE kind = 'assistant'"))
    assert not all_over(database)
    eventually(lambda: all_over(database))
    assert_nothing_lost_or_doubled(database, simulator)


def test_faults_of_the_stream_cost_nothing(database: str, simulator: Simulator, workers: Workers) -> None:
    simulator.fault("stream_unavailable", count=3)
    simulator.fault("stream_unavailable", in_stream=True, count=3)
    simulator.fault("html", path="/stream$", status=502, count=3)
    simulator.fault("stream_drop", after=7, probability=0.8)
    simulator.fault("unknown_event")
    launch()
    workers.start()
    eventually(lambda: ask_one(database, "SELECT count(*) FROM run_streams WHERE events > 12") == RUNS)
    simulator.clear_faults()
    eventually(lambda: all_over(database))
    assert_nothing_lost_or_doubled(database, simulator)


def test_a_killed_worker_is_followed_by_another(database: str, simulator: Simulator, workers: Workers) -> None:
    prompt = SLOW.replace("60", "150")
    launch(prompt=prompt)
    first, second = workers.start(), workers.start()
    eventually(lambda: ask_one(database, "SELECT count(*) FROM run_streams WHERE events > 3") == RUNS)
    first.kill()
    eventually(lambda: ask_one(database, "SELECT count(DISTINCT leased_by) FROM run_streams") <= 1)
    second.kill()
    workers.start()
    eventually(lambda: all_over(database))
    assert_nothing_lost_or_doubled(database, simulator, prompt)


def test_what_can_no_longer_be_streamed_is_taken_from_the_conversation(
    database: str, simulator: Simulator, workers: Workers
) -> None:
    simulator.fault("stream_expired", path="/stream$")
    launch(1, "Say it.")
    workers.start()
    eventually(lambda: all_over(database, 1))
    assert ask(database, "SELECT state, source, has_gap FROM run_streams") == [("expired", "conversation", False)]
    said = dict(ask(database, "SELECT kind, string_agg(text, '' ORDER BY position) FROM agent_messages GROUP BY kind"))
    assert said["user"] == "Say it."
    assert said["assistant"]


def test_a_worker_that_is_stopped_gives_its_streams_back(database: str, simulator: Simulator, workers: Workers) -> None:
    launch(2, "On and on. [[sim:never]]")
    worker = workers.start(LEASE_SECONDS="60")
    eventually(lambda: ask_one(database, "SELECT count(*) FROM run_streams WHERE last_event_id IS NOT NULL") == 2)
    worker.terminate()
    assert ask(database, "SELECT DISTINCT leased_by, lease_token FROM run_streams") == [(None, None)]
