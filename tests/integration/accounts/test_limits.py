"""Limits of one account: for orchestrations, and for what a person begins by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.fleet import BulkAction
from cursor_monitor.queries import accounts as queries
from cursor_monitor.queries import orchestrations as whole
from cursor_monitor.services import agents, bulk, orchestrations
from cursor_monitor.services.account_limits import set_limits
from cursor_monitor.services.tuning import Tuning, tune
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask_one
from tests.support.pump import Pump
from tests.support.replay import assert_all_replayed

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}


@pytest.fixture(autouse=True)
def checked(database: str) -> Iterator[None]:
    tune(Tuning())
    yield
    assert_all_replayed()


def test_agents_by_hand_count_towards_the_day_and_are_refused_at_its_end(database: str) -> None:
    set_limits("default", {"max_agents_per_day": 2}, by="ada")
    agents.launch(LAUNCH, by="ada", idempotency_key="one")
    agents.launch(LAUNCH, by="ada", idempotency_key="one")
    agents.launch(LAUNCH, by="ada")
    with pytest.raises(Conflict, match=r"Today's limit of 2 agents .* of account default raised") as caught:
        agents.launch(LAUNCH, by="ada")
    assert caught.value.code == "day_budget"
    assert ask_one(database, "SELECT count(*) FROM agents") == 2, "the same request again is not counted twice"
    assert queries.get_account("default").agents_today == 2


async def test_followups_by_hand_are_refused_one_and_many(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = [agents.launch(LAUNCH, by="ada") for _ in range(3)]
    await pump.run_due()
    set_limits("default", {"max_followups_per_day": 2}, by="ada")
    wanted = bulk.Wanted(BulkAction.FOLLOWUP, ids=tuple(made), prompt="Go on.")
    with pytest.raises(Conflict, match="2 are left"):
        bulk.act(wanted, expected=3, batch_id="01890000-0000-7000-8000-000000000001", by="ada")
    assert ask_one(database, "SELECT count(*) FROM agent_followups") == 0, "all of it or nothing"
    for agent_id in made[:2]:
        agents.followup(agent_id, "Go on.", by="ada")
    with pytest.raises(Conflict, match="Today's limit of 2 follow-ups"):
        agents.followup(made[2], "Go on.", by="ada")
    set_limits("default", {"max_followups_per_day": None}, by="ada")
    agents.followup(made[2], "Go on.", by="ada")


async def test_an_account_has_so_many_at_work_at_once(pump: Pump, cursor: FakeCursor) -> None:
    set_limits("default", {"max_parallel_agents": 1}, by="ada")
    cursor.answer = None
    tasks = [{"key": f"t{n}", "prompt": f"Do {n}."} for n in range(3)]
    made = orchestrations.launch({**LAUNCH, "mode": "BATCH", "tasks": tasks}, by="ada")
    await pump.run_due()
    assert sorted(task.status for task in whole.list_tasks(made)) == ["pending", "pending", "running"]
    assert {task.waits_for for task in whole.list_tasks(made)} == {None, "account limit 1 of 1"}
    set_limits("default", {"max_parallel_agents": 3}, by="ada")
    await pump.run_due()
    assert {task.status for task in whole.list_tasks(made)} == {"running"}, "what waited looks again at once"


async def test_a_planner_takes_a_slot_too(pump: Pump, cursor: FakeCursor) -> None:
    set_limits("default", {"max_parallel_agents": 1}, by="ada")
    cursor.answer = None
    first = orchestrations.launch({**LAUNCH, "prompt": "Rebuild it.", "mode": "AUTO"}, by="ada")
    second = orchestrations.launch({**LAUNCH, "prompt": "Rebuild that.", "mode": "AUTO"}, by="ada")
    await pump.run_due()
    assert len(cursor.agents) == 1
    orchestrations.cancel(first, by="ada")
    await pump.run_until(lambda: whole.get_orchestration(first).status == "stopped")
    await pump.run_until(lambda: len(cursor.agents) == 2)
    assert whole.get_orchestration(second).status == "running"


def test_a_limit_that_cannot_be_is_refused(database: str) -> None:
    with pytest.raises(Invalid, match="max_cents_per_day: must be a whole number from 1 to 100,000,000") as caught:
        set_limits("default", {"max_cents_per_day": 0}, by="ada")
    assert caught.value.field == "max_cents_per_day"
    with pytest.raises(NotFound):
        set_limits("none", {"max_cents_per_day": 5}, by="ada")
