"""The real client and the worker's work against a simulator that misbehaves: nothing lost, nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as queries
from cursor_monitor.queries import jobs as job_queries
from cursor_monitor.queries import orchestrations as whole
from cursor_monitor.services import agents, fleet, orchestrations
from tests.support.postgres import ask, ask_one
from tests.support.pump import skip
from tests.support.stage import Stage

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}
RUNS = r"^/v1/agents/[^/]+/runs/[^/]+$"
FAILED = "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'failed'"


@pytest.fixture
def stage(database: str) -> Stage:
    return Stage()


def state_of(agent_id: str) -> str:
    return queries.get_agent(agent_id).agent.state


PASSING: list[dict[str, Any]] = [
    {"effect": "delay", "seconds": 0.01},
    {"effect": "status", "status": 503},
    {"effect": "status", "status": 502, "when": "after"},
    {"effect": "html"},
    {"effect": "html", "status": 404, "path": RUNS},
    {"effect": "html", "status": 200},
    {"effect": "html", "when": "after"},
    {"effect": "empty"},
    {"effect": "empty", "status": 200},
    {"effect": "empty", "status": 200, "when": "after"},
    {"effect": "rate_limit"},
    {"effect": "rate_limit", "retry_after": None},
    {"effect": "unknown_status", "path": RUNS},
    {"effect": "unknown_field"},
    {"effect": "list_lag", "seconds": 3600},
    {"effect": "cut"},
    {"effect": "cut", "when": "after"},
    {"effect": "truncated"},
    {"effect": "truncated", "method": "POST"},
]


@pytest.mark.parametrize("rule", PASSING, ids=lambda rule: "-".join(str(v) for v in rule.values()))
async def test_what_passes_costs_time_only(stage: Stage, database: str, rule: dict[str, Any]) -> None:
    await stage.fault(count=3, **rule)
    pump = stage.pump()
    made = agents.launch(LAUNCH, by="test")
    await stage.until(pump, lambda: state_of(made) == "finished")
    ledger = await stage.ledger()
    assert [(a["id"], len(a["runs"])) for a in ledger] == [(made, 1)]
    assert ask_one(database, FAILED) == 0


@pytest.mark.parametrize(
    ("marker", "state"), [("[[sim:error]]", "failed"), ("[[sim:expire]]", "failed"), ("[[sim:no-branch]]", "finished")]
)
async def test_an_end_without_a_cause_is_an_end(stage: Stage, marker: str, state: str) -> None:
    pump = stage.pump()
    made = agents.launch({**LAUNCH, "prompt": marker}, by="test")
    await stage.until(pump, lambda: state_of(made) == state)


@pytest.mark.parametrize("effect", ["cancel_delay", "cancel_loses"])
async def test_a_cancellation_is_what_comes_of_it(stage: Stage, effect: str) -> None:
    await stage.fault(effect=effect, seconds=60)
    pump = stage.pump()
    made = agents.launch({**LAUNCH, "prompt": "[[sim:slow:9000]]"}, by="test")
    await pump.run_due(JobKind.LAUNCH_AGENT)
    stage.clock.advance(1)
    agents.stop(made, by="test")
    await pump.run_due(JobKind.CANCEL_RUN)
    assert state_of(made) == "working", "asked for is not done"
    await stage.until(pump, lambda: state_of(made) == ("finished" if effect == "cancel_loses" else "cancelled"))


@pytest.mark.parametrize(
    ("key", "fault", "words"),
    [
        ("bad_key", None, "does not accept the key"),
        ("free_key", None, "does not include Cloud Agents"),
        ("readonly_key", None, "plan or permissions"),
        ("crsr_poor", "usage_limit", "has reached its spending limit"),
    ],
)
async def test_what_a_person_has_to_mend_blocks_and_then_goes_on(
    stage: Stage, database: str, key: str, fault: str | None, words: str
) -> None:
    if fault:
        await stage.fault(effect=fault, method="POST", count=1)
    made = orchestrations.launch(LAUNCH, by="test")
    await stage.pump(key).run_due()
    assert whole.get_orchestration(made).status == "blocked"
    assert words in str(ask(database, "SELECT payload FROM orchestration_events ORDER BY seq"))
    assert ask_one(database, FAILED) == 0
    orchestrations.resume(made, by="test")
    await stage.until(stage.pump(), lambda: whole.get_orchestration(made).status == "completed")
    assert [len(a["runs"]) for a in await stage.ledger()] == [1]


async def test_what_a_role_forbids_waits_for_another_role_even_without_an_orchestration(
    stage: Stage, database: str
) -> None:
    await stage.fault(effect="status", status=403, code="role_forbidden", method="POST", path="agents$", count=1)
    pump = stage.pump()
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    assert state_of(made) == "blocked"
    assert "Have that changed at Cursor" in str(queries.get_agent(made).agent.error_message)
    await stage.until(pump, lambda: state_of(made) == "finished")
    await stage.fault(effect="status", status=403, code="role_forbidden", method="POST", path="runs$", count=1)
    agents.followup(made, "And the rest.", by="test")
    await pump.run_due()
    assert [f.status for f in queries.get_agent(made).followups] == ["blocked"]
    await stage.until(pump, lambda: [f.status for f in queries.get_agent(made).followups] == ["sent"])
    assert [(a["create_calls"], len(a["runs"])) for a in await stage.ledger()] == [(1, 2)]


async def test_a_key_revoked_meanwhile_fails_nothing(stage: Stage, database: str) -> None:
    pump = stage.pump()
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due(JobKind.LAUNCH_AGENT)
    revoked = stage.pump("bad_key")
    for _ in range(12):
        skip(120)
        await revoked.run_due()
    assert state_of(made) == "working"
    assert ask_one(database, FAILED) == 0
    await stage.until(pump, lambda: state_of(made) == "finished")


async def test_a_repository_that_the_app_cannot_see_is_said_in_words(stage: Stage) -> None:
    made = agents.launch({**LAUNCH, "repository": "missing/web"}, by="test")
    await stage.pump().run_due()
    found = queries.get_agent(made).agent
    assert found.state == "failed"
    assert "missing/web" in (found.error_message or "")


async def test_a_repository_made_private_half_way_blocks_with_the_reason(stage: Stage, database: str) -> None:
    tasks = [{"key": key, "prompt": f"Do {key}."} for key in ("one", "two")]
    made = orchestrations.launch({**LAUNCH, "mode": "PIPELINE", "tasks": tasks}, by="test")
    pump = stage.pump()
    await pump.run_due(JobKind.ADVANCE)
    await pump.run_due(JobKind.LAUNCH_AGENT)
    await stage.hide("acme/web", True)
    await stage.until(pump, lambda: whole.get_orchestration(made).status == "blocked")
    found = whole.get_orchestration(made)
    assert "Cursor cannot see the repository or its branch: renamed" in (found.error_summary or "")
    assert [task.status for task in whole.list_tasks(made)] == ["completed", "running"]
    assert ask_one(database, FAILED) == 0
    await stage.hide("acme/web", False)
    orchestrations.resume(made, by="test")
    await stage.until(pump, lambda: whole.get_orchestration(made).status == "completed")
    assert [a["create_calls"] for a in await stage.ledger()] == [1, 1]


async def test_an_end_is_noticed_by_the_list_of_a_real_answer(stage: Stage, database: str) -> None:
    pump = stage.pump()
    made = [agents.launch({**LAUNCH, "prompt": f"[[sim:slow:{n}00]]"}, by="test") for n in range(1, 7)]
    await pump.run_due(JobKind.LAUNCH_AGENT)
    stage.clock.advance(0.5)
    fleet.ensure_watch()
    await pump.run_due(JobKind.WATCH_FLEET)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    skip(2)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    stage.clock.advance(1)
    skip(5)
    await pump.run_due(JobKind.WATCH_FLEET)
    due = ask(
        database,
        "SELECT agent_id FROM orchestration_outbox_jobs WHERE dedupe_key LIKE 'observe:%%' AND status = 'pending'",
    )
    assert due == [(made[0],)]
    await pump.run_due(JobKind.OBSERVE_AGENT)
    assert [state_of(a) for a in made] == ["finished"] + ["working"] * 5


async def test_a_payload_that_cannot_be_read_is_a_dead_letter_at_once(stage: Stage, database: str) -> None:
    pump = stage.pump()
    ask(
        database,
        "INSERT INTO orchestration_outbox_live (kind, args, ready_seq)"
        " SELECT kind, args::jsonb, nextval('ready_seq') FROM unnest(%s::text[], %s::text[]) AS n (kind, args)",
        (list(pump.handlers), (["[]", '"words"', "null", "7"] * len(pump.handlers))[: len(pump.handlers)]),
    )
    assert await pump.run_due() == len(pump.handlers)
    found = ask(database, "SELECT id, status, attempts, errors -> 0 ->> 'error' FROM orchestration_outbox_jobs")
    assert {row[1:] for row in found} == {("failed", 1, "the payload cannot be read: it has to be an object")}
    assert list(job_queries.get_job(found[0][0]).args) == ["unreadable"]
