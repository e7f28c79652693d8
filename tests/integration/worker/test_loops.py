"""Agents that go in circles, from the simulator's stream to the ladder's rungs, with real workers."""

from __future__ import annotations

from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from tests.support.processes import Simulator, Workers
from tests.support.replay import assert_all_replayed
from tests.support.waiting import eventually

KINDS = {
    "loop": "same_action",
    "same-error": "same_error",
    "ping-pong": "ping_pong",
    "monologue": "monologue",
}


def launch(marker: str, **options: object) -> str:
    fields = {"prompt": f"Add it. [[sim:{marker}]]", "repository": "acme/web", "options": options}
    return orchestrations.launch(fields, by="test")


def of_type(made: str, name: str) -> list[dict[str, object]]:
    return [event.payload for event in queries.list_events(made, limit=200).items if event.type == name]


def test_each_is_seen_stopped_sent_another_way_or_brought_before_a_person(
    workers: Workers, simulator: Simulator, database: str
) -> None:
    made = {marker: launch(f"{marker}:1") for marker in KINDS}
    steady = launch("iterate:1")
    hopeless = launch("loop", max_nudges=1, max_attempts=2)
    workers.start()
    eventually(lambda: all(queries.get_orchestration(key).status == "completed" for key in made.values()), 60)
    for marker, key in made.items():
        seen = of_type(key, "LoopDetected")
        assert {loop["kind"] for loop in seen} == {KINDS[marker]}
        assert [loop["is_certain"] for loop in seen][-1] is True
        assert len(of_type(key, "RunCancelRequested")) == 1
        assert [followup["asks"] for followup in of_type(key, "FollowUpRequested")] == ["unstick"]
    eventually(lambda: queries.get_orchestration(hopeless).status == "blocked", 60)
    assert queries.get_orchestration(hopeless).error_code == "stuck"
    assert of_type(steady, "LoopDetected") == []
    runs = [len(agent["runs"]) for agent in simulator.agents() if "[[sim:loop]]" in agent["runs"][0]["prompt"]]
    assert runs == [2, 2], "two agents, each sent another way once, and no more"
    assert_all_replayed()
