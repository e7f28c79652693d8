"""The event stream of a run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from cursor_monitor.simulator.sever import ConnectionCutError
from cursor_monitor.simulator.timeline import timeline_of
from tests.simulator.harness import Sim, contract, error_code, violations

IDLESS = {"status", "heartbeat"}


@dataclass(frozen=True)
class Frame:
    event: str
    data: Any
    id: str | None


def parse(text: str) -> list[Frame]:
    """The frames of a stream, by the letter."""
    frames = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        frames.append(Frame(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return frames


def path_of(created: dict) -> str:
    run = created["run"]
    return f"/v1/agents/{run['agentId']}/runs/{run['id']}/stream"


async def read(sim: Sim, created: dict, last_id: str | None = None) -> list[Frame]:
    """The whole stream of a run that has ended."""
    response = await sim.call("GET", path_of(created), headers={"Last-Event-ID": last_id} if last_id else {})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-cursor-stream-retention-seconds"] == "86400"
    return parse(response.text)


async def until_asleep(sim: Sim, task: asyncio.Task) -> None:
    """Let the stream send what is due and wait for the clock."""
    for _ in range(10_000):
        if sim.clock.sleepers or task.done():
            return
        await asyncio.sleep(0)
    pytest.fail("the stream neither waits nor ends")


async def test_a_replay_holds_the_whole_run(sim: Sim) -> None:
    created = await sim.create(autoCreatePR=True)
    run = await sim.finished(created)
    frames = await read(sim, created)
    assert (frames[0].event, frames[0].id) == ("status", None)
    assert frames[0].data == {"runId": run["id"], "status": "FINISHED"}
    assert [frame.event for frame in frames[-2:]] == ["result", "done"]
    assert frames[-1].id == frames[-2].id
    result = frames[-2].data
    assert result["text"] == run["result"]
    assert (result["durationMs"], result["git"]) == (run["durationMs"], run["git"])
    said = "".join(frame.data["text"] for frame in frames if frame.event == "assistant")
    assert said.endswith(run["result"])


async def test_ids_are_times_with_numbers_and_shared_by_twins(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    frames = [frame for frame in await read(sim, created) if frame.event not in IDLESS]
    ids = [tuple(int(part) for part in (frame.id or "").split("-")) for frame in frames]
    assert ids == sorted(ids)
    for frame, twin in pairwise(frames):
        if frame.event in ("assistant", "thinking", "tool_call"):
            assert (twin.event, twin.id) == ("interaction_update", frame.id)
    texts = [frame.data["text"] for frame in frames if frame.event == "assistant"]
    deltas = [frame.data["text"] for frame in frames if frame.data.get("type") == "text-delta"]
    assert texts == deltas


async def test_tool_calls_come_twice_in_the_closed_shape(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    calls: dict[str, list[str]] = {}
    schema = contract()["components"]["schemas"]["RunStreamToolCallData"]
    for frame in await read(sim, created):
        if frame.event == "tool_call":
            assert not violations(schema, frame.data)
            calls.setdefault(frame.data["callId"], []).append(frame.data["status"])
    assert len(calls) >= 3
    assert set(map(tuple, calls.values())) == {("running", "completed")}


async def test_a_live_stream_follows_the_clock(sim: Sim) -> None:
    created = await sim.create("[[sim:slow:100]] x")
    task = asyncio.create_task(read(sim, created))
    for _ in range(101):
        await until_asleep(sim, task)
        sim.clock.advance(1)
    frames = await task
    statuses = [frame.data["status"] for frame in frames if frame.event == "status"]
    assert statuses == ["CREATING", "RUNNING"]
    beats = [number for number, frame in enumerate(frames) if frame.event == "heartbeat"]
    assert len(beats) == 5
    assert all(frames[number].id is None for number in beats)
    replay = [frame for frame in await read(sim, created) if frame.id]
    assert [frame for frame in frames if frame.id] == replay


async def test_cancelling_ends_the_stream(sim: Sim) -> None:
    created = await sim.create("[[sim:never]] x")
    task = asyncio.create_task(read(sim, created))
    await until_asleep(sim, task)
    sim.clock.advance(20)
    await until_asleep(sim, task)
    await sim.call("POST", path_of(created).replace("/stream", "/cancel"))
    sim.clock.advance(0.5)
    frames = await task
    assert frames[-2].data["status"] == "CANCELLED"
    assert "text" not in frames[-2].data
    assert not sim.simulator.world._watchers


async def test_an_error_run_ends_without_a_cause(sim: Sim) -> None:
    created = await sim.create("[[sim:error]] x")
    await sim.finished(created)
    frames = await read(sim, created)
    assert set(frames[-2].data) == {"runId", "status", "durationMs"}
    assert [frame.event for frame in frames].count("error") == 0


async def test_resuming_goes_on_after_an_event(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    whole = await read(sim, created)
    for number in (10, 25, len(whole) // 2):
        last_id = whole[number].id
        rest = await read(sim, created, last_id)
        assert rest[0].event == "status"
        after = max(n for n, frame in enumerate(whole) if frame.id == last_id) + 1
        assert rest[1:] == whole[after:]


async def test_resuming_after_the_result_only_says_done(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    last_id = (await read(sim, created))[-1].id
    assert [frame.event for frame in await read(sim, created, last_id)] == ["status", "done"]


async def test_foreign_and_malformed_ids_are_refused(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    second = (await sim.follow_up(created["agent"]["id"])).json()
    await sim.finished(second)
    foreign = next(frame.id for frame in await read(sim, created) if frame.id)
    for wrong in (foreign, "nonsense", "1713033006000", "1713033006000-7"):
        response = await sim.call("GET", path_of(second), headers={"Last-Event-ID": str(wrong)})
        assert (response.status_code, error_code(response)) == (400, "invalid_last_event_id")


async def test_an_invented_first_id_replays_nothing(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    assert [frame.event for frame in await read(sim, created, "1713033006000-0")] == ["status"]


async def test_streams_expire(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    await sim.fault(effect="stream_expired", count=1)
    for _ in range(2):
        response = await sim.call("GET", path_of(created))
        sim.clock.advance(90_000)
        assert response.status_code in (200, 410)
    response = await sim.call("GET", path_of(created))
    assert (response.status_code, error_code(response)) == (410, "stream_expired")


async def test_both_forms_of_the_warm_up_race(sim: Sim) -> None:
    created = await sim.create()
    await sim.fault(effect="stream_unavailable", count=1)
    refused = await sim.call("GET", path_of(created))
    assert (refused.status_code, error_code(refused)) == (409, "stream_unavailable")
    await sim.fault(effect="stream_unavailable", in_stream=True, count=1)
    frames = await read(sim, created)
    assert [frame.event for frame in frames] == ["status", "status", "error", "done"]
    assert frames[2].data["code"] == "stream_unavailable"


async def test_a_stream_can_be_dropped_and_say_unknown_things(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    await sim.fault(effect="stream_drop", after=3, count=1)
    with pytest.raises(ConnectionCutError):
        await sim.call("GET", path_of(created))
    await sim.fault(effect="unknown_event", count=1)
    assert "future_event" in {frame.event for frame in await read(sim, created)}
    assert (await read(sim, created))[-1].event == "done"


async def test_large_results_are_left_out_and_flagged(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cursor_monitor.simulator.timeline.LARGEST_FIELD", 40)
    await sim.create()
    agent = sim.simulator.world.everything()[0]
    events = timeline_of(sim.simulator.world, sim.simulator.narrator, agent, agent.runs[0])
    calls = [json.loads(event.data) for event in events if event.name == "tool_call"]
    cut = [call for call in calls if "truncated" in call]
    assert {"result"} in [set(call["truncated"]) for call in cut]
    assert not [call for call in cut if set(call["truncated"]) & set(call)]
