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
from cursor_monitor.services.watching import WATCH_FROM, look_seconds, pass_seconds, routine_seconds
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
    """One pass, if one is due: on a slow machine the next may be due at once."""
    fleet.ensure_watch()
    if job := await asyncio.to_thread(pump.claim, JobKind.WATCH_FLEET):
        await pump.do(job)


def state_of(agent_id: str) -> str:
    return queries.get_agent(agent_id).agent.state


async def test_what_changed_is_looked_at_now_and_nothing_else(pump: Pump, cursor: FakeCursor) -> None:
    made = await launch(pump, cursor, 12)
    await watch(pump)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    cursor.calls.clear()
    cursor.end_run(made[5])
    await watch(pump)
    await drain(pump, JobKind.OBSERVE_AGENT)
    assert cursor.calls == ["list_agents", "get_run"]
    assert [state_of(a) for a in made] == ["working"] * 5 + ["finished"] + ["working"] * 6


async def test_a_watched_fleet_costs_pages_not_agents(
    pump: Pump, cursor: FakeCursor, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PAGE", 10)
    await launch(pump, cursor, 12)
    await watch(pump)
    await drain(pump, JobKind.OBSERVE_AGENT)
    skip(current().observe_max_seconds - 1)
    cursor.calls.clear()
    await watch(pump)
    await drain(pump, JobKind.OBSERVE_AGENT)
    assert cursor.calls == ["list_agents", "list_agents"]
    waiting = "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'pending' AND kind = 'observe_agent'"
    assert ask_one(database, waiting) == 0, "an agent that the list is watched for needs no job of its own"


@pytest.mark.earlier("R-03")
async def test_an_end_that_the_list_never_tells_is_seen_by_the_look_of_its_own(
    pump: Pump, cursor: FakeCursor, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await launch(pump, cursor, WATCH_FROM)
    frozen = await cursor.list_agents()

    async def list_agents(*_: object, **__: object) -> Listing[AgentView]:
        return frozen

    monkeypatch.setattr(cursor, "list_agents", list_agents)
    await watch(pump)
    await drain(pump, JobKind.OBSERVE_AGENT)
    cursor.end_run(made[0])
    skip(60)
    cursor.calls.clear()
    await watch(pump)
    await drain(pump, JobKind.OBSERVE_AGENT)
    assert "get_run" not in cursor.calls, "all had a look just now"
    ask(database, "UPDATE agents SET observed_at = observed_at - interval '1 hour'")
    await pump.run_until(lambda: state_of(made[0]) == "finished")


async def test_a_wait_for_the_rate_limit_goes_on_where_it_was(
    pump: Pump, cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PAGE", 10)
    made = await launch(pump, cursor, 12)
    cursor.calls.clear()

    def stop_the_second(name: str, moment: str) -> None:
        if (name, moment, cursor.calls.count(name)) == ("list_agents", "after", 1):
            cursor.fail("list_agents", Throttled(60))

    cursor.on_call = stop_the_second
    await watch(pump)
    assert cursor.calls.count("list_agents") == 2
    cursor.on_call = lambda name, moment: None
    cursor.end_run(made[0])
    skip(61)
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


async def test_few_agents_far_down_the_list_are_looked_at_one_by_one(
    pump: Pump, cursor: FakeCursor, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "PAGE", 2)
    (old,) = await launch(pump, cursor, 1)
    cursor.answer = "Done."
    for _ in range(12):
        await cursor.create_agent(AgentSpec(mint_agent_id(), "Do it.", None))
    for agent in list(cursor.agents.values())[1:]:
        cursor.end_run(agent.spec.agent_id)
    await launch(pump, cursor, 4)
    await watch(pump)
    assert cursor.calls.count("list_agents") == 9, "the first pass reads everything"
    await drain(pump, JobKind.OBSERVE_AGENT)
    cursor.calls.clear()
    skip(10)
    await watch(pump)
    assert cursor.calls.count("list_agents") == 2
    cursor.end_run(old)
    await pump.run_until(lambda: state_of(old) == "finished")


async def test_a_list_that_stays_unreadable_leaves_the_agents_to_single_looks(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    made = await launch(pump, cursor, WATCH_FROM)
    await watch(pump)
    skip(60)
    await drain(pump, JobKind.OBSERVE_AGENT)
    cursor.fail("list_agents", Permanent("internal_error", "broken", status=500), times=100)
    await watch(pump)
    later = "{failing_since}", '"2026-01-01T00:00:00+00:00"'
    ask(database, "UPDATE cursor_cache SET value = jsonb_set(value, %s, %s) WHERE key = 'watch'", later)
    cursor.end_run(made[0])
    skip(60)
    await pump.run_until(lambda: state_of(made[0]) == "finished")


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


async def test_many_that_are_found_at_once_are_watched_by_the_list_at_once(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    cursor.answer = None
    ids = [mint_agent_id() for _ in range(WATCH_FROM + 2)]
    for agent_id in ids:
        await cursor.create_agent(AgentSpec(agent_id, "Do it.", "https://github.com/acme/api"))
    await watch(pump)
    pause = "SELECT extract(epoch FROM next_run_at - now()) FROM orchestration_outbox_jobs WHERE kind = 'watch_fleet'"
    assert float(ask_one(database, pause)) <= pass_seconds(len(ids), 0) < current().observe_max_seconds
    await drain(pump, JobKind.DISCOVER_AGENT)
    await drain(pump, JobKind.OBSERVE_AGENT)
    assert cursor.calls.count("get_run") <= 1, "only the routine looks at one that the list is watched for"


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


@pytest.mark.parametrize("working", [4, 100, 1000])
def test_a_watched_fleet_stays_within_its_share(working: int) -> None:
    tune(Tuning(requests_per_minute=300))
    try:
        lists = (working / 100 + 1) / pass_seconds(working, youngest_age=0)
        looks = working / routine_seconds(working)
        assert (lists + looks) * 60 <= 300 * 0.63
        assert pass_seconds(5000, youngest_age=0) == pass_seconds(5000, youngest_age=9e9) == 4.0
        assert look_seconds(NOW, NOW + timedelta(seconds=2)) == 1.0
    finally:
        tune(Tuning())
