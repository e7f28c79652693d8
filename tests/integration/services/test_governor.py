"""One budget for all workers: shared, kept under a real limit, and nothing lost by waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from cursor_monitor.cursor.errors import OutcomeUnknown, Retryable, Throttled
from cursor_monitor.cursor.limits import RateLimits
from cursor_monitor.domain.budget import Urgency, limit_of
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as agent_queries
from cursor_monitor.queries.health import get_health
from cursor_monitor.services import agents
from cursor_monitor.services.governor import Governor, account_of, acting
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.processes import Simulator, Workers
from tests.support.pump import Pump, skip
from tests.support.waiting import eventually

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}
PER_MINUTE = 100


async def passes(governor: Governor, urgency: Urgency, endpoint: str = "api") -> bool:
    with acting(urgency):
        try:
            await governor.enter(endpoint)
        except Throttled:
            return False
    return True


async def test_two_workers_share_one_budget(database: str) -> None:
    both = [Governor("one", PER_MINUTE), Governor("one", PER_MINUTE)]
    asked = [passes(governor, Urgency.CONTROL) for _ in range(30) for governor in both]
    passed = sum(await asyncio.gather(*asked))
    burst = int(limit_of("api", PER_MINUTE).burst)
    assert burst <= passed <= burst + 10, "what the bucket gains meanwhile is little"
    assert await passes(Governor("another", PER_MINUTE), Urgency.LISTING)
    assert ask_one(database, "SELECT granted FROM cursor_budgets WHERE account = 'one'") == passed


async def test_a_refusal_that_one_worker_met_holds_for_all(database: str) -> None:
    first, second = Governor("one", PER_MINUTE), Governor("one", PER_MINUTE)
    now = datetime.now(UTC)
    await first.learn("api", 429, RateLimits(20, 0, now + timedelta(seconds=40), 40.0, now))
    assert not await passes(second, Urgency.CONTROL)
    facts = next(c.facts for c in get_health().components if c.name == "cursor_api")
    assert (facts["budget_remaining"], facts["observed_limit"], facts["refused"]) == (0, 20, 1)
    assert datetime.fromisoformat(facts["budget_reset_at"]) - now > timedelta(seconds=35)


async def test_the_scarce_endpoint_has_a_limit_of_its_own(database: str) -> None:
    governor = Governor("one", PER_MINUTE)
    assert await passes(governor, Urgency.LISTING, "repositories")
    assert not await passes(governor, Urgency.LISTING, "repositories")
    assert await passes(governor, Urgency.LISTING)


async def test_a_job_without_a_token_waits_and_that_is_no_attempt(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    agent_id = agents.launch(LAUNCH, by="test")
    cursor.fail("create_agent", Throttled(30.0), times=40)
    for _ in range(40):
        assert await pump.run_due(JobKind.LAUNCH_AGENT) == 1
        assert await pump.run_due(JobKind.LAUNCH_AGENT) == 0, "it is due when the token is, not before"
        skip(31)
    await pump.run_until(lambda: agent_queries.get_agent(agent_id).agent.state == "finished")
    assert ask(
        database, "SELECT jsonb_array_length(errors) FROM orchestration_outbox_jobs WHERE kind = 'launch_agent'"
    ) == [(0,)]


async def test_a_launch_outlives_any_number_of_refusals_for_the_rate(pump: Pump, cursor: FakeCursor) -> None:
    agent_id = agents.launch(LAUNCH, by="test")
    cursor.fail("create_agent", Retryable("rate_limit_exceeded", status=429), times=25)
    await pump.run_until(lambda: agent_queries.get_agent(agent_id).agent.state == "finished")
    assert cursor.calls.count("create_agent") == 26


async def test_a_lost_launch_is_looked_for_even_if_the_look_had_to_wait(pump: Pump, cursor: FakeCursor) -> None:
    agent_id = agents.launch(LAUNCH, by="test")
    cursor.fail("create_agent", OutcomeUnknown("connection_cut"), after=True)
    cursor.fail("get_agent", Throttled(5.0))
    await pump.run_due(JobKind.LAUNCH_AGENT)
    agents.stop(agent_id, by="test")
    assert agent_id in cursor.agents
    skip(60)
    await pump.run_due()
    assert agent_queries.get_agent(agent_id).agent.state in ("working", "finished", "cancelled")


def launch_and_wait(count: int, seconds: float) -> list[str]:
    made = [agents.launch({**LAUNCH, "prompt": f"Do part {n}."}, by="test") for n in range(count)]

    def all_over() -> bool:
        return all(agent_queries.get_agent(agent_id).agent.state == "finished" for agent_id in made)

    eventually(all_over, seconds, poll=0.2)
    return sorted(made)


def refusals(ledger: dict[str, Any]) -> int:
    return sum(n for name, n in ledger["rejected"].items() if name.startswith("429"))


def test_under_a_real_limit_nothing_is_refused_and_nothing_is_lost(simulator: Simulator, workers: Workers) -> None:
    simulator.fault("request_limit", requests=120, seconds=60)
    for _ in range(2):
        workers.start(CURSOR_RATE_PER_MINUTE="120")
    made = launch_and_wait(12, 60)
    ledger = simulator.ledger()
    assert [agent["create_calls"] for agent in ledger["agents"]] == [1] * len(made)
    assert sorted(agent["id"] for agent in ledger["agents"]) == made
    assert refusals(ledger) == 0


def test_a_key_cannot_be_told_from_its_account() -> None:
    assert "secret" not in account_of("https://api.cursor.com", "secret")
    assert account_of("https://a", "k") != account_of("https://b", "k")
