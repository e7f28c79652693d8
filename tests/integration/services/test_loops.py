"""Silence, and looks at what is stored: told once, never missed, and never where a tool is at work."""

from __future__ import annotations

from typing import LiteralString

import pytest

from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import loops, orchestrations
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask
from tests.support.pump import Pump

SILENT: LiteralString = (
    "UPDATE run_streams SET leased_until = now() + interval '1 hour',"
    " heard_at = now() - make_interval(mins => %s), created_at = now() - interval '5 hours'"
)
TOOL: LiteralString = (
    "INSERT INTO agent_tool_events (run_id, call_id, position, agent_id, name, command, status, outcome, result,"
    " started_at) SELECT run_id, 'c' || n, n, agent_id, 'shell', 'ls', %s, %s, 'nothing', now()"
    " FROM run_streams, generate_series(1, %s) AS n"
)


async def at_work(pump: Pump, cursor: FakeCursor) -> str:
    """An orchestration whose agent is at work and has not said anything."""
    cursor.answer = None
    made = orchestrations.launch({"prompt": "Add it.", "repository": "acme/web"}, by="test")
    await pump.run_until(lambda: queries.list_tasks(made)[0].latest_run_id is not None)
    assert loops.look_for_loops() == 0
    return made


def told(made: str) -> list[tuple[str, bool]]:
    found = [e.payload for e in queries.list_events(made, limit=100).items if e.type == "LoopDetected"]
    return [(payload["kind"], payload["is_certain"]) for payload in found]


async def test_silence_is_told_of_then_ended_and_the_agent_sent_another_way(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    made = await at_work(pump, cursor)
    ask(database, SILENT, (25,))
    assert loops.look_for_loops() == 0
    ask(database, SILENT, (35,))
    assert [loops.look_for_loops(), loops.look_for_loops()] == [1, 0]
    assert told(made) == [("silent", False)]
    ask(database, SILENT, (65,))
    assert [loops.look_for_loops(), loops.look_for_loops()] == [1, 0]
    assert told(made) == [("silent", False), ("silent", True)]
    await pump.run_until(lambda: len(next(iter(cursor.agents.values())).runs) == 2)
    (agent,) = cursor.agents.values()
    assert agent.runs[0].status == "CANCELLED"
    assert "You were stopped because your last turn said and did nothing." in agent.runs[1].prompt


async def test_a_tool_at_work_is_no_silence(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = await at_work(pump, cursor)
    ask(database, TOOL, ("running", "running", 1))
    ask(database, SILENT, (300,))
    assert loops.look_for_loops() == 0
    assert told(made) == []


async def test_a_look_is_made_only_where_something_is_new(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = await at_work(pump, cursor)
    ask(database, TOOL, ("completed", "succeeded", 6))
    assert loops.look_for_loops() == 0, "nobody said that there is something new"
    ask(database, "UPDATE run_streams SET next_position = 7")
    assert [loops.look_for_loops(), loops.look_for_loops()] == [1, 0]
    ask(database, "UPDATE run_streams SET next_position = 12")
    assert loops.look_for_loops() == 0, "the same is told once"
    assert told(made) == [("same_action", False)]
    event = next(e for e in queries.list_events(made, limit=100).items if e.type == "LoopDetected")
    assert (event.payload["action"], event.payload["count"], event.level) == ("shell ls", 6, "warning")


async def test_what_a_worker_could_not_tell_is_told_by_the_next(
    pump: Pump, cursor: FakeCursor, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await at_work(pump, cursor)
    ask(database, TOOL, ("completed", "succeeded", 12))
    ask(database, "UPDATE run_streams SET next_position = 13")
    with monkeypatch.context() as dying:
        dying.setattr(loops, "record_facts", lambda *_: 1 / 0)
        assert loops.look_for_loops() == 0
    assert told(made) == []
    assert loops.look_for_loops() == 1
    assert told(made) == [("same_action", True)]
