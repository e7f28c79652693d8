"""What went wrong in systems of this kind before, played with the real client and the simulator."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.jobs import look_job
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from cursor_monitor.store import jobs
from cursor_monitor.store.database import transaction
from tests.support.postgres import ask, ask_one
from tests.support.stage import Stage


@pytest.fixture
def stage(database: str) -> Stage:
    return Stage()


def launch(prompt: str, tasks: int = 0, **fields: Any) -> str:
    named = [{"key": f"t{n}", "prompt": f"Do part {n}. {prompt}"} for n in range(1, tasks + 1)]
    more = {"tasks": named} if named else {}
    return orchestrations.launch({"prompt": prompt, "repository": "acme/web", **more, **fields}, by="ada")


def status_of(made: str) -> str:
    return queries.get_orchestration(made).status


def told_again(made: str, database: str) -> bool:
    """Whatever is known is told once more, as by webhooks that come twice, and late."""
    with transaction() as session:
        jobs.enqueue(session, [look_job(row[0], made) for row in ask(database, "SELECT id FROM agents")])
    return status_of(made) in ("completed", "partial", "error")


@pytest.mark.earlier("R-09", "R-10")
@pytest.mark.parametrize("behaviour", ["failing-tests:50", "low-quality:50"])
async def test_an_agent_that_never_gets_there_is_asked_so_often_and_no_more(
    stage: Stage, database: str, behaviour: str
) -> None:
    options = {"max_iterations": 3, "max_attempts": 1, "quality_threshold": 95}
    made = launch(f"Mend it. [[sim:{behaviour}]]", mode="SINGLE_AGENT", options=options)
    await stage.until(stage.pump(), lambda: told_again(made, database))
    (agent,), (task,) = await stage.ledger(), queries.list_tasks(made)
    assert 1 < len(agent["runs"]) == 1 + task.iterations <= 4
    sent = ask_one(database, "SELECT count(*) FROM agent_followups WHERE status = 'sent'")
    assert sent == task.iterations, "the counter is what was sent"


@pytest.mark.earlier("R-12", "R-13", "R-17", "R-36")
async def test_a_pipeline_of_four_goes_to_its_end_each_on_the_branch_of_the_one_before(
    stage: Stage, database: str
) -> None:
    made = launch("Part of it.", tasks=4, mode="PIPELINE", ref="main", model="composer-2")
    await stage.until(stage.pump(), lambda: told_again(made, database))
    tasks = queries.list_tasks(made)
    assert [task.status for task in tasks] == ["completed"] * 4
    paid = {agent["id"]: agent["ref"] for agent in await stage.ledger()}
    assert len(paid) == 4
    assert [paid[str(task.agent_id)] for task in tasks] == ["main", *(task.branch for task in tasks[:3])]
    assert ask(database, "SELECT DISTINCT model FROM agents") == [("composer-2",)]


@pytest.mark.earlier("R-05", "R-14")
async def test_an_agent_that_somebody_deletes_at_cursor_fails_its_task_and_a_person_decides(
    stage: Stage, database: str
) -> None:
    made = launch("Go on. [[sim:slow:9000]]", mode="SINGLE_AGENT", options={"max_attempts": 3})
    pump = stage.pump()
    await pump.run_due()
    ((agent_id,),) = ask(database, "SELECT id FROM agents WHERE is_working")
    await stage.call("DELETE", f"/v1/agents/{agent_id}")
    await stage.until(pump, lambda: status_of(made) == "error")
    (task,) = queries.list_tasks(made)
    assert (task.status, task.attempts) == ("failed", 1), "nobody pays again for what somebody took away"
    assert "deleted at Cursor" in (task.error_message or "")
    orchestrations.retry(made, by="ada")
    await stage.until(pump, lambda: status_of(made) == "completed")
    assert len(await stage.ledger()) == 2
