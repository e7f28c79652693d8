"""Several tries at one task, from the launch to the choice: each launched once, the best kept, the others archived."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations, plans
from cursor_monitor.services.dry_run import dry_run
from cursor_monitor.services.task_followup import followup_task
from tests.fakes.cursor import GOOD, FakeCursor
from tests.integration.services.test_crashes import Crashes, die_in, status_of
from tests.support.postgres import ask
from tests.support.pump import Pump, lose_leases, skip

DOUBTFUL = GOOD.replace("0.9", "0.4")
REQUEST: dict[str, Any] = {"prompt": "Add it.", "repository": "acme/web"}


def launch(**options: Any) -> str:
    return orchestrations.launch({**REQUEST, "options": options}, by="ada")


async def answered(pump: Pump, cursor: FakeCursor, made: str, **answers: str) -> None:
    """All candidates are launched, and end with these messages, by the end of their keys."""
    cursor.answer = None
    await pump.run_until(lambda: len(cursor.agents) == len(answers))
    agents = {task.key[-1]: task.agent_id or "" for task in queries.list_tasks(made) if task.candidate_of}
    for number, message in answers.items():
        cursor.end_run(agents[number[-1]], result=message)


def shelves_of(cursor: FakeCursor, made: str) -> list[str]:
    """Where the candidates' agents are at Cursor."""
    return [cursor.agents[task.agent_id or ""].status for task in queries.list_tasks(made) if task.candidate_of]


def kept_of(made: str) -> str | None:
    return queries.list_tasks(made)[-1].kept


async def test_the_best_is_kept_and_the_others_are_archived(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = launch(best_of=3)
    await answered(pump, cursor, made, try1=DOUBTFUL, try2=GOOD, try3=DOUBTFUL)
    await pump.run_until(lambda: status_of(made) == "completed")
    await pump.run_due()
    *candidates, task = queries.list_tasks(made)
    assert (task.kept, task.branch, task.agent_id) == ("task-1.2", candidates[1].branch, None)
    assert "quality 98, against task-1.1 88, task-1.3 88." in (task.kept_reason or "")
    assert shelves_of(cursor, made) == ["ARCHIVED", "ACTIVE", "ARCHIVED"]
    found = queries.get_orchestration(made)
    assert (found.tasks_total, found.tasks_completed, found.quality_score) == (1, 1, 98)
    assert ask(database, "SELECT agents FROM spend_days") == [(3,)]


async def test_what_was_not_kept_takes_no_more_work(pump: Pump, cursor: FakeCursor) -> None:
    tasks = [{"key": "a", "prompt": "Do a.", "best_of": 2}, {"key": "b", "prompt": "Do b.", "depends_on": ["a"]}]
    made = orchestrations.launch({**REQUEST, "mode": "AUTO", "tasks": tasks}, by="ada")
    await answered(pump, cursor, made, try1=DOUBTFUL, try2=GOOD)
    await pump.run_until(lambda: queries.list_tasks(made)[2].kept == "a.2")
    await pump.run_until(lambda: len(cursor.agents) == 3)
    cursor.answer = GOOD
    with pytest.raises(Conflict, match="Another candidate was kept instead"):
        followup_task(made, "a.1", "More.", by="ada")
    with pytest.raises(Conflict, match="Cannot retry"):
        orchestrations.retry_task(made, "a.1", by="ada")
    followup_task(made, "a.2", "More.", by="ada")
    cursor.end_run(queries.list_tasks(made)[3].agent_id or "")
    await pump.run_until(lambda: status_of(made) == "completed")
    assert [task.iterations for task in queries.list_tasks(made)] == [0, 1, 0, 0]


async def test_a_person_chooses_and_the_work_goes_on(pump: Pump, cursor: FakeCursor) -> None:
    made = launch(best_of=2, choose_by_hand=True)
    await pump.run_until(lambda: status_of(made) == "waiting")
    found = queries.get_orchestration(made)
    assert (found.error_code, found.controls) == ("choice", ("cancel",))
    with pytest.raises(Conflict, match="waiting for another choice"):
        plans.edit_plan(made, {"tasks": [{"prompt": "Do else."}]}, by="ada")
    with pytest.raises(Conflict, match="Cannot keep"):
        orchestrations.keep_candidate(made, "task-1", by="ada")
    orchestrations.keep_candidate(made, "task-1.2", by="ada")
    await pump.run_until(lambda: status_of(made) == "completed")
    assert kept_of(made) == "task-1.2"
    assert shelves_of(cursor, made) == ["ARCHIVED", "ACTIVE"]


@pytest.mark.parametrize("kind", [JobKind.ADVANCE, JobKind.LAUNCH_AGENT])
async def test_a_worker_that_dies_launches_no_candidate_twice(
    kind: JobKind, pump: Pump, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes = Crashes(cursor, monkeypatch)
    made = launch(best_of=2)
    if kind is not JobKind.ADVANCE:
        await pump.run_due(JobKind.ADVANCE)
    for point in range(1, 8):
        skip(60)
        if not await die_in(pump, crashes, kind, point):
            break
        lose_leases()
    await pump.run_until(lambda: status_of(made) == "completed")
    assert [len(agent.runs) for agent in cursor.agents.values()] == [1, 1]
    assert kept_of(made) in ("task-1.1", "task-1.2")
    types = [event.type for event in queries.list_events(made).items]
    assert (types.count("AttemptRequested"), types.count("CandidateKept")) == (2, 1)


def test_a_dry_run_counts_every_candidate(database: str) -> None:
    shown = dry_run({**REQUEST, "options": {"best_of": 4, "max_parallel_agents": 2, "max_agents": 3}})
    assert (shown.agents, shown.agents_most, shown.rounds) == (4, 8, 2)
    assert [limit.name for limit in shown.limits] == ["max_agents", "max_parallel_agents"]
