"""Limits that orchestrations share: never exceeded by workers that decide at once, and given on in fair order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cursor_monitor.domain.errors import Conflict
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.domain.room import SharedLimits
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from cursor_monitor.services.advance import advance
from cursor_monitor.services.tuning import Tuning, tune
from tests.fakes.cursor import MORE, FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump, skip

LIVE = "SELECT count(*) FROM agent_orchestrator_states WHERE status IN ('launching', 'running')"


@pytest.fixture(autouse=True)
def tuned() -> Iterator[None]:
    yield
    tune(Tuning())


def share(**limits: Any) -> None:
    tune(Tuning(shared=SharedLimits(**limits)))


def batch(count: int = 3, repository: str = "acme/web", **options: Any) -> str:
    tasks = [{"key": f"t{n}", "prompt": f"Do {n}."} for n in range(count)]
    fields = {"prompt": "All.", "repository": repository, "mode": "BATCH", "tasks": tasks, "options": options}
    return orchestrations.launch(fields, by="ada")


def waits(made: str) -> set[str | None]:
    return {task.waits_for for task in queries.list_tasks(made) if task.status == "pending"}


@pytest.mark.parametrize("limits", [{"repository_agents": 4}, {"account_agents": 4}, {"day_agents": 4}])
@pytest.mark.earlier("R-15", "R-24", "R-37")
def test_workers_that_decide_at_once_never_exceed_it(database: str, limits: dict[str, int]) -> None:
    """Counted from what lives, under a lock, not checked first and inserted later."""
    share(**limits)
    made = [batch(3) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(advance, made * 2))
    assert ask_one(database, LIVE) == 4
    assert ask_one(database, "SELECT agents FROM spend_days") == 4


@pytest.mark.earlier("R-37")
async def test_whoever_waits_says_why_and_takes_turns(pump: Pump, cursor: FakeCursor) -> None:
    share(repository_agents=1)
    cursor.answer = None
    first, second, urgent = batch(1), batch(1), batch(1, priority=5)
    other = batch(1, repository="acme/api")
    await pump.run_due()
    assert waits(second) == {"repository limit 1 of 1"}
    assert queries.list_tasks(other)[0].status == "running", "another repository has slots of its own"
    order: list[str] = []
    for _ in range(3):
        running = next(made for made in (first, second, urgent) if queries.list_tasks(made)[0].status == "running")
        order.append(running)
        cursor.end_run(queries.list_tasks(running)[0].agent_id or "")
        await pump.run_until(lambda made=running: queries.get_orchestration(made).status == "completed")
        await pump.run_due()
    assert order == [first, urgent, second]


async def test_a_pause_gives_the_turn_on(pump: Pump, cursor: FakeCursor, database: str) -> None:
    share(account_agents=1)
    cursor.answer = None
    first, second, third = batch(1), batch(1), batch(1)
    await pump.run_due()
    orchestrations.pause(second, by="ada")
    cursor.end_run(queries.list_tasks(first)[0].agent_id or "")
    await pump.run_until(lambda: queries.list_tasks(third)[0].status == "running")
    assert ask(database, "SELECT 1 FROM slot_waits") == []


@pytest.mark.earlier("R-24")
async def test_the_day_ends_and_a_person_is_told(pump: Pump, cursor: FakeCursor) -> None:
    """The day's limit of agents and follow-ups holds for the account."""
    share(day_followups=1)
    cursor.answers.extend([MORE, MORE])
    made = batch(1)
    await pump.run_until(lambda: queries.get_orchestration(made).status == "blocked")
    detail = queries.get_orchestration(made)
    assert (detail.error_code, "MAX_FOLLOWUPS_PER_DAY" in (detail.error_summary or "")) == ("day_budget", True)
    orchestrations.resume(made, by="ada")
    await pump.run_due(JobKind.ADVANCE)
    assert queries.get_orchestration(made).status == "blocked", "resumed too early"
    share(day_followups=9)
    orchestrations.resume(made, by="ada")
    await pump.run_until(lambda: queries.get_orchestration(made).status == "completed")
    with pytest.raises(Conflict):
        orchestrations.resume(made, by="ada")


async def test_what_is_blocked_gives_its_slot_back_and_waits_for_it_afterwards(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    share(account_agents=1)
    cursor.answers.extend([MORE, MORE, None])
    blocked, other = batch(1, max_followups=1), batch(1)
    await pump.run_until(lambda: queries.get_orchestration(blocked).status == "blocked")
    assert queries.get_orchestration(blocked).active_agents == 1, "its agent waits for the answer of a person"
    await pump.run_until(lambda: queries.list_tasks(other)[0].status == "running")
    orchestrations.set_budget(blocked, {"max_followups": 5}, by="ada")
    for _ in range(3):
        await pump.run_due()
        skip(60)
    assert [len(agent.runs) for agent in cursor.agents.values()] == [2, 1], "two at work where one may be"
    cursor.end_run(queries.list_tasks(other)[0].agent_id or "")
    await pump.run_until(lambda: queries.get_orchestration(blocked).status == "completed")
    assert queries.get_orchestration(other).status == "completed"
