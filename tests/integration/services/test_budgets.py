"""Budgets from the request to the ledger of the day: counted where they are spent, said, and raised by a person."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.cursor.errors import Permanent
from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from cursor_monitor.services.task_followup import followup_task
from tests.fakes.cursor import GOOD, MORE, FakeCursor
from tests.support.postgres import ask
from tests.support.pump import Pump


def launch(**options: Any) -> str:
    return orchestrations.launch({"prompt": "Add it.", "repository": "acme/web", "options": options}, by="ada")


def status(made: str) -> str:
    return queries.get_orchestration(made).status


def budget(made: str, name: str) -> queries.BudgetRow:
    return next(row for row in queries.get_orchestration(made).budgets if row.name == name)


async def test_cents_are_counted_blocked_on_and_raised(pump: Pump, cursor: FakeCursor, database: str) -> None:
    cursor.cents_per_run = 30.0
    cursor.answers.extend([MORE, MORE])
    made = launch(budget_cents=50)
    await pump.run_until(lambda: status(made) == "blocked")
    detail = queries.get_orchestration(made)
    assert detail.error_code == "cents_budget"
    assert "60 of 50 cents" in (detail.error_summary or "")
    assert detail.controls == ("budget", "cancel")
    assert len(next(iter(cursor.agents.values())).runs) == 2
    with pytest.raises(Conflict, match="raise it"):
        orchestrations.resume(made, by="ada")
    with pytest.raises(Invalid, match="above the 60"):
        orchestrations.set_budget(made, {"budget_cents": 60}, by="ada")
    orchestrations.set_budget(made, {"budget_cents": 500}, by="ada")
    await pump.run_until(lambda: status(made) == "completed")
    await pump.run_until(lambda: budget(made, "budget_cents").used == 90.0)
    assert ask(database, "SELECT agents, followups, cents FROM spend_days") == [(1, 2, 90.0)]
    said = [event.message for event in queries.list_events(made).items]
    assert "Budget set by ada: 500 cents." in said
    assert "60 of 50 cents are used." in said


async def test_a_cost_that_cursor_refuses_to_tell_is_asked_about(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answers.append(MORE)
    cursor.fail("get_usage", Permanent("feature_unavailable", "no", status=403), times=9)
    made = launch(budget_cents=50)
    await pump.run_until(lambda: status(made) == "blocked")
    assert queries.get_orchestration(made).error_code == "cost_unknown"
    assert budget(made, "budget_cents").unknown == 1
    orchestrations.resume(made, by="ada")
    await pump.run_until(lambda: status(made) == "completed")


async def test_a_persons_follow_up_counts_and_ends_too(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answer = None
    made = launch(max_followups=1)
    await pump.run_until(lambda: queries.list_tasks(made)[0].agent_id is not None and bool(cursor.agents))
    cursor.end_run(next(iter(cursor.agents)), result=MORE)
    await pump.run_until(lambda: queries.list_tasks(made)[0].iterations == 1)
    await pump.run_due(JobKind.SEND_FOLLOWUP)
    with pytest.raises(Conflict, match="follow-ups of the budget") as caught:
        followup_task(made, "task-1", "And this.", by="ada")
    assert caught.value.code == "followup_budget"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "budget"), ({"max_agents": 0}, "max_agents"), ({"cents": 5}, "cents"), ({"wall_hours": "2"}, "wall_hours")],
)
def test_a_budget_that_is_none_is_refused(database: str, fields: dict[str, Any], field: str) -> None:
    made = launch()
    with pytest.raises(Invalid) as caught:
        orchestrations.set_budget(made, fields, by="ada")
    assert caught.value.field == field


async def test_a_person_cannot_wake_an_agent_beyond_those_that_may_work_at_once(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answers.extend([GOOD, None])
    tasks = [{"key": key, "prompt": f"Do {key}."} for key in ("first", "second")]
    fields = {"prompt": "Both.", "repository": "acme/web", "mode": "PIPELINE", "tasks": tasks}
    made = orchestrations.launch({**fields, "options": {"max_parallel_agents": 1}}, by="ada")
    await pump.run_until(lambda: len(cursor.agents) == 2)
    with pytest.raises(Conflict, match="has to wait: another agent works") as refused:
        followup_task(made, "first", "And a test.", by="ada")
    assert refused.value.code == "no_slot"
    first = followup_task(
        made, "second", "And a test.", by="ada", idempotency_key="k"
    )  # its agent is the one that works
    assert followup_task(made, "second", "And a test.", by="ada", idempotency_key="k") == first
    with pytest.raises(Conflict, match="still waiting"):
        followup_task(made, "second", "And a test.", by="ada", idempotency_key="another")
    cursor.end_run([*cursor.agents][1])
    await pump.run_until(lambda: status(made) == "completed")
