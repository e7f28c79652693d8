"""Watching by the list: what changed is looked at, the rest is left alone, and agents from elsewhere appear."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cursor_monitor.cursor.api import AgentSpec, AgentView, Listing
from cursor_monitor.cursor.errors import Permanent, Throttled
from cursor_monitor.domain.ids import mint_agent_id
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as queries
from cursor_monitor.services import agents, fleet
from cursor_monitor.services.tuning import Tuning, current, tune
from cursor_monitor.services.watching import WATCH_FROM, look_seconds, pass_seconds
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump, skip

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def launch(pump: Pump, cursor: FakeCursor, count: int) -> list[str]:
    """Agents that go on working, launched and looked at once."""
    cursor.answer = None
    made = [agents.launch(LAUNCH, by="test") for _ in range(count)]
    await drain(pump, JobKind.LAUNCH_AGENT)
    await drain(pump, JobKind.OBSERVE_AGENT)
    return made


async def drain(pump: Pump, kind: JobKind) -> int:
    """Do every due job of that kind, more than a pump does at once."""
    done = 0
    while job := await asyncio.to_thread(pump.claim, kind):
        await pump.do(job)
        done += 1
    return done


async def watch(pump: Pump) -> None:
    fleet.ensure_watch()
    await pump.run_due(JobKind.WATCH_FLEET)


def state_of(agent_id: str) -> str:
    return queries.get_agent(agent_id).agent.state


async def test_what_changed_is_looked_at_now_and_nothing_else(pump: Pump, cursor: FakeCursor) -> None:
    made = await launch(pump, cursor, 12)
    await watch(pump)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    cursor.calls.clear()
    cursor.end_run(made[5])
    await watch(pump)
    assert await pump.run_due(JobKind.OBSERVE_AGENT) == 1
    assert cursor.calls == ["list_agents", "get_run"]
    assert [state_of(a) for a in made] == ["working"] * 5 + ["finished"] + ["working"] * 6


async def test_a_watched_fleet_costs_pages_not_agents(pump: Pump, cursor: FakeCursor) -> None:
    await launch(pump, cursor, 120)
    await watch(pump)
    await drain(pump, JobKind.OBSERVE_AGENT)
    skip(current().observe_max_seconds - 1)
    cursor.calls.clear()
    await watch(pump)
    assert await pump.run_due(JobKind.OBSERVE_AGENT) == 0
    assert cursor.calls == ["list_agents", "list_agents"]


async def test_an_end_that_the_list_never_tells_is_seen_by_the_look_of_its_own(
    pump: Pump, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await launch(pump, cursor, WATCH_FROM)
    frozen = await cursor.list_agents()

    async def list_agents(*_: object, **__: object) -> Listing[AgentView]:
        return frozen

    monkeypatch.setattr(cursor, "list_agents", list_agents)
    await watch(pump)
    cursor.end_run(made[0])
    await pump.run_until(lambda: state_of(made[0]) == "finished")


async def test_a_wait_for_the_rate_limit_goes_on_where_it_was(pump: Pump, cursor: FakeCursor) -> None:
    made = await launch(pump, cursor, 120)
    cursor.calls.clear()

    def stop_the_second(name: str, moment: str) -> None:
        if (name, moment, cursor.calls.count(name)) == ("list_agents", "after", 1):
            cursor.fail("list_agents", Throttled(5))

    cursor.on_call = stop_the_second
    await watch(pump)
    assert cursor.calls.count("list_agents") == 2
    cursor.on_call = lambda name, moment: None
    cursor.end_run(made[0])
    skip(6)
    await watch(pump)
    assert cursor.calls.count("list_agents") == 3
    await drain(pump, JobKind.OBSERVE_AGENT)
    assert state_of(made[0]) == "finished"


async def test_a_list_that_is_refused_begins_anew(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = await launch(pump, cursor, 1)
    cursor.fail("list_agents", Permanent("validation_error", "bad cursor", status=400))
    await watch(pump)
    cursor.end_run(made[0])
    skip(60)
    await watch(pump)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    assert state_of(made[0]) == "finished"
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'failed'") == 0


async def test_agents_launched_elsewhere_appear_whole(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answer = None
    ids = [mint_agent_id(), mint_agent_id()]
    for agent_id in ids:
        await cursor.create_agent(AgentSpec(agent_id, "Do it.", "https://github.com/acme/api", name="Foreign"))
    cursor.end_run(ids[0])
    await watch(pump)
    await pump.run_due()
    rows = [queries.get_agent(agent_id).agent for agent_id in ids]
    assert [(r.origin, r.repository, r.state) for r in rows] == [
        ("elsewhere", "https://github.com/acme/api", "finished"),
        ("elsewhere", "https://github.com/acme/api", "working"),
    ]
    cursor.end_run(ids[1])
    await pump.run_until(lambda: state_of(ids[1]) == "finished")


async def test_archived_and_deleted_elsewhere_are_shown_so(pump: Pump, cursor: FakeCursor, database: str) -> None:
    made = await launch(pump, cursor, 3)
    for agent_id in made:
        cursor.end_run(agent_id)
    await pump.run_until(lambda: all(state_of(a) == "finished" for a in made))
    ask(database, "UPDATE agents SET launched_at = launched_at - interval '1 hour'")
    await cursor.archive_agent(made[0])
    cursor.delete(made[1])
    await watch(pump)
    await pump.run_due()
    status = [queries.get_agent(a).agent.agent_status for a in made]
    assert status == ["ARCHIVED", "DELETED", "IDLE"]


async def test_a_run_started_elsewhere_is_followed_once_ours_has_ended(pump: Pump, cursor: FakeCursor) -> None:
    (agent_id,) = await launch(pump, cursor, 1)
    cursor.end_run(agent_id)
    foreign = await cursor.create_run(agent_id, "From elsewhere.")
    await watch(pump)
    assert queries.get_agent(agent_id).agent.latest_run_id != foreign.id, "the end of ours is not known yet"
    await pump.run_due()
    await watch(pump)
    skip(60)
    await watch(pump)
    await pump.run_due()
    found = queries.get_agent(agent_id)
    assert (found.agent.latest_run_id, found.agent.state) == (foreign.id, "working")
    assert [run.status for run in found.runs] == ["FINISHED", "RUNNING"]


async def test_a_list_that_lags_behind_takes_nothing_back(
    pump: Pump, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (agent_id,) = await launch(pump, cursor, 1)
    stale = (await cursor.list_agents()).items[0]
    cursor.end_run(agent_id)
    await pump.run_until(lambda: state_of(agent_id) == "finished")
    agents.followup(agent_id, "Go on.", by="test")
    await pump.run_due()
    newest = queries.get_agent(agent_id).agent.latest_run_id

    async def list_agents(*_: object, **__: object) -> Listing[AgentView]:
        return Listing((replace(stale, updated_at=stale.updated_at + timedelta(seconds=1)),), None)

    monkeypatch.setattr(cursor, "list_agents", list_agents)
    await watch(pump)
    await pump.run_due()
    assert queries.get_agent(agent_id).agent.latest_run_id == newest != stale.latest_run_id


def test_there_is_one_watch_however_many_workers_ask(database: str) -> None:
    for _ in range(5):
        fleet.ensure_watch()
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs WHERE kind = 'watch_fleet'") == 1


@pytest.mark.parametrize("working", [4, 100, 1000, 5000])
def test_a_watched_fleet_stays_within_its_share(working: int) -> None:
    tune(Tuning(requests_per_minute=300))
    try:
        lists = (working / 100 + 1) / pass_seconds(working, youngest_age=0)
        looks = working / look_seconds(NOW, NOW + timedelta(hours=1), working)
        assert (lists + looks) * 60 <= 300 * 0.71
        assert look_seconds(NOW, NOW + timedelta(seconds=2), 0) == 1.0
    finally:
        tune(Tuning())
