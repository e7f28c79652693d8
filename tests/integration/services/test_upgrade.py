"""Work that older programs began goes on under this one, and nothing runs twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cursor_monitor.cursor.api import AgentSpec
from cursor_monitor.queries import agents as agent_queries
from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import schema
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.fakes.cursor import FakeAgent, FakeCursor, FakeRun
from tests.support import old_databases, postgres
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump, lose_leases


@pytest.fixture(params=old_databases.VERSIONS)
def version(request: pytest.FixtureRequest) -> int:
    """The schema version of the old database."""
    return request.param


@pytest.fixture
def database(server: EmbeddedPostgres, version: int) -> Iterator[str]:
    """A database of that version's program, brought up to this program's and opened."""
    url = postgres.make_database(server, template="template0")
    old_databases.load(url, version)
    schema.migrate(url)
    open_all(Settings(database_url=url))
    yield url
    close_all()
    postgres.drop_database(server, url)


@pytest.fixture
def known(version: int) -> dict[str, Any]:
    """What the old program had made."""
    return old_databases.story(version)


@pytest.fixture
def cursor(known: dict[str, Any]) -> FakeCursor:
    """Cursor, with the agents of then; those that still work are done at the next look."""
    made = FakeCursor()
    for agent_id, agent in known["agents"].items():
        runs = [FakeRun(run, agent["prompt"], made.answer, status) for run, status in agent["run"]]
        made.agents[agent_id] = FakeAgent(AgentSpec(agent_id, agent["prompt"], None), runs)
    for _ in range(100):  # run ids go on where they were
        next(made._numbers)
    return made


async def test_the_work_of_then_goes_on_and_nothing_runs_twice(
    database: str, pump: Pump, cursor: FakeCursor, known: dict[str, Any]
) -> None:
    ids, person = known["orchestrations"], known["person"]
    before = {key: len(agent.runs) for key, agent in cursor.agents.items()}
    lose_leases()

    def is_over() -> bool:
        rest = [ids["pipeline"], ids["running"], ids["queued"]]
        sent = [followup.status for followup in agent_queries.get_agent(person).followups]
        return sent == ["sent"] and all(queries.get_orchestration(key).status == "completed" for key in rest)

    await pump.run_until(is_over)
    assert {name: queries.get_orchestration(ids[name]).status for name in ("done", "failed")} == {
        "done": "completed",
        "failed": "error",
    }
    assert (cursor.calls.count("create_agent"), cursor.calls.count("create_run")) == (2, 1)
    grown = {key for key, count in before.items() if len(cursor.agents[key].runs) != count}
    assert grown == {person}
    assert [task.status for task in queries.list_tasks(ids["pipeline"])] == ["completed", "completed"]
    new = orchestrations.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    await pump.run_until(lambda: queries.get_orchestration(new).status == "completed")


def test_dead_letters_and_history_stay_what_they_were(database: str) -> None:
    assert ask(database, "SELECT status, count(*) FROM orchestration_outbox_jobs GROUP BY 1 ORDER BY 1") == [
        ("completed", 16),
        ("failed", 1),
        ("pending", 7),
        ("processing", 1),
    ]
    newest = ask_one(database, "SELECT max(id) FROM orchestration_outbox_jobs")
    assert ask_one(database, "SELECT nextval('orchestration_outbox_ids')") > newest
