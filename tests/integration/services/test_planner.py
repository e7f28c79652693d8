"""The planner agent through services and worker: one agent, whatever dies on the way, and its plan carried out."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.domain.orchestration import PLANNER_KEY
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from tests.builders import a_plan
from tests.fakes.cursor import FakeCursor
from tests.integration.services.test_crashes import Crashes, die_in, status_of, until_the_next
from tests.support.pump import Pump, lose_leases, skip

REQUEST: dict[str, Any] = {"prompt": "Make the shop faster.", "repository": "acme/web", "mode": "AUTO"}
GOOD_PLAN = a_plan("a", "b<a")


@pytest.fixture
def crashes(cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch) -> Crashes:
    return Crashes(cursor, monkeypatch)


def launch(**options: Any) -> str:
    return orchestrations.launch({**REQUEST, "options": options}, by="test")


def types_of(made: str) -> list[str]:
    return [event.type for event in queries.list_events(made, limit=100).items]


async def test_a_bad_plan_is_mended_and_carried_out(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answers.extend(["Let us see.", GOOD_PLAN])
    made = launch()
    await pump.run_until(lambda: status_of(made) == "completed")
    planner, *workers = cursor.agents.values()
    assert (planner.spec.mode, planner.spec.auto_create_pr, len(planner.runs)) == ("plan", False, 2)
    assert "does not end with a fenced JSON block" in planner.runs[1].prompt
    assert [(agent.spec.mode, agent.spec.auto_create_pr) for agent in workers] == [("agent", True)] * 2
    assert [task.key for task in queries.list_tasks(made)] == ["a", "b"]
    types = types_of(made)
    once = ("PlannerRequested", "PlanRejected", "PlanProposed", "PlanMade")
    assert {name: types.count(name) for name in once} == dict.fromkeys(once, 1)


async def test_without_a_usable_plan_one_agent_does_it_all(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answers.extend(["No.", "Still no."])
    made = launch()
    await pump.run_until(lambda: status_of(made) == "completed")
    assert [task.prompt for task in queries.list_tasks(made)] == [REQUEST["prompt"]]
    assert [len(agent.runs) for agent in cursor.agents.values()] == [2, 1]


@pytest.mark.parametrize("kind", [JobKind.LAUNCH_AGENT, JobKind.OBSERVE_AGENT, JobKind.SEND_FOLLOWUP, JobKind.ADVANCE])
@pytest.mark.parametrize("point", [1, 2, 3, 5])
async def test_a_worker_that_dies_while_planning_makes_no_second_planner(
    pump: Pump, cursor: FakeCursor, crashes: Crashes, kind: JobKind, point: int
) -> None:
    cursor.answers.extend(["No.", GOOD_PLAN])
    made = launch()
    if kind is not JobKind.ADVANCE:
        await until_the_next(pump, kind)
        skip(60)
    await die_in(pump, crashes, kind, point)
    lose_leases()
    await pump.run_until(lambda: status_of(made) == "completed")
    modes = [agent.spec.mode for agent in cursor.agents.values()]
    assert sorted(modes) == ["agent", "agent", "plan"]
    assert next(len(agent.runs) for agent in cursor.agents.values() if agent.spec.mode == "plan") == 2
    assert types_of(made).count("PlanMade") == 1


async def test_cancelling_while_the_planner_works_stops_it_and_retrying_plans_anew(
    pump: Pump, cursor: FakeCursor
) -> None:
    cursor.answer = None
    made = launch()
    await pump.run_due()
    with pytest.raises(Conflict, match="it is no task"):
        orchestrations.skip_task(made, PLANNER_KEY, by="test")
    orchestrations.cancel(made, by="test")
    await pump.run_until(lambda: status_of(made) == "stopped")
    assert [run.status for agent in cursor.agents.values() for run in agent.runs] == ["CANCELLED"]
    cursor.answer = GOOD_PLAN
    orchestrations.retry(made, by="test")
    await pump.run_until(lambda: len(queries.list_tasks(made)) == 2)
    assert [agent.spec.mode for agent in cursor.agents.values()][:2] == ["plan", "plan"]


async def test_a_plan_that_comes_while_paused_waits(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answer = None
    made = launch()
    await pump.run_due()
    orchestrations.pause(made, by="test")
    (planner,) = cursor.agents
    cursor.end_run(planner, result=GOOD_PLAN)
    cursor.answer = FakeCursor().answer
    await pump.run_until(lambda: queries.get_orchestration(made).last_seq > 0 and not pump.claim())
    assert (queries.list_tasks(made), len(cursor.agents)) == ((), 1)
    orchestrations.resume(made, by="test")
    await pump.run_until(lambda: status_of(made) == "completed")
    assert [task.key for task in queries.list_tasks(made)] == ["a", "b"]
