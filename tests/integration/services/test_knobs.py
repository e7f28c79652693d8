"""Each way in which the service is known to fail, one at a time, at the worker: what is right comes of it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from cursor_monitor.cursor.client import build_client
from cursor_monitor.domain.errors import Unauthorized
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as queries
from cursor_monitor.services import agents, catalogue, fleet, upkeep, webhooks
from cursor_monitor.services.tuning import current, tune
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump, skip
from tests.support.stage import Stage

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}
FAILED = "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'failed'"
SECRET = "a-secret-of-more-than-thirty-two-characters"
HOOK = {"url": "http://monitor.test/webhook", "secret": SECRET}


@pytest.fixture
def stage(database: str) -> Stage:
    return Stage()


def state_of(agent_id: str) -> str:
    return queries.get_agent(agent_id).agent.state


async def finished(stage: Stage, pump: Pump) -> str:
    made = agents.launch(LAUNCH, by="test")
    await stage.until(pump, lambda: state_of(made) == "finished")
    return made


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "cut"},
        {"effect": "cut", "when": "after"},
        {"effect": "truncated"},
        {"effect": "html", "when": "after"},
        {"effect": "rate_limit"},
    ],
    ids=lambda rule: "-".join(rule.values()),
)
async def test_a_follow_up_is_sent_once_whatever_becomes_of_the_answer(
    stage: Stage, database: str, rule: dict[str, str]
) -> None:
    pump = stage.pump()
    made = await finished(stage, pump)
    await stage.fault(method="POST", path="/runs$", count=1, **rule)
    agents.followup(made, "And the rest.", by="test")
    await stage.until(pump, lambda: [f.status for f in queries.get_agent(made).followups] == ["sent"])
    await stage.until(pump, lambda: [r.status for r in queries.get_agent(made).runs] == ["FINISHED"] * 2)
    assert [len(a["runs"]) for a in await stage.ledger()] == [2]
    assert ask_one(database, FAILED) == 0


async def test_a_name_that_cannot_be_resolved_costs_time_only(
    stage: Stage, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    made = agents.launch(LAUNCH, by="test")
    nowhere = build_client("http://api.cursor.test", "crsr_test")
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", unknown)
        assert await Pump(nowhere).run_due(JobKind.LAUNCH_AGENT) == 1
    await nowhere.aclose()
    assert state_of(made) == "queued"
    assert "connection_failed" in str(ask(database, "SELECT errors FROM orchestration_outbox_jobs"))
    await stage.until(stage.pump(), lambda: state_of(made) == "finished")
    assert [(a["create_calls"], len(a["runs"])) for a in await stage.ledger()] == [(1, 1)]


async def test_what_an_agent_used_is_unknown_until_it_is_told_and_never_zero(stage: Stage, database: str) -> None:
    pump = stage.pump()
    made = await finished(stage, pump)

    async def read() -> tuple[int | None, float | None, str | None]:
        ask(database, "UPDATE agents SET active_at = active_at - interval '1 minute', usage_at = NULL")
        assert upkeep.read_spending() == 1
        await pump.run_due(JobKind.READ_AGENT)
        row, usage = queries.get_agent(made).agent, queries.get_usage(made)
        return row.tokens, row.cost_cents, usage.refusal

    ask(database, "DELETE FROM orchestration_outbox_jobs WHERE kind = 'read_usage'")
    await stage.fault(effect="usage_delay", seconds=1_000_000)
    assert await read() == (None, None, None)
    await stage.behave()
    await stage.fault(effect="feature_unavailable", path="/usage$")
    assert await read() == (None, None, "feature_unavailable")
    await stage.behave()
    tokens, cents, refusal = await read()
    assert refusal is None
    assert tokens
    assert cents is not None
    assert ask_one(database, FAILED) == 0


async def test_files_that_are_not_listed_yet_are_found_later(stage: Stage, database: str) -> None:
    pump = stage.pump()
    made = await finished(stage, pump)

    async def read() -> int:
        ask(database, "DELETE FROM cursor_cache")
        upkeep.want_facts(made)
        await pump.run_due(JobKind.READ_AGENT)
        found = queries.get_artifacts(made)
        assert found.refusal is None
        return len(found.items)

    await stage.fault(effect="artifacts_empty", count=1)
    assert await read() == 0
    assert await read() > 0


async def test_the_list_of_repositories_is_asked_for_within_its_limit(stage: Stage, database: str) -> None:
    api = stage.api()
    await catalogue.refresh(api, "one key")
    await catalogue.refresh(api, "one key")
    with pytest.raises(Exception, match="rate_limit_exceeded"):  # asked anew for another key, but too soon
        await catalogue.refresh(api, "another key")
    assert ask_one(database, "SELECT jsonb_array_length(value) FROM cursor_cache WHERE key = 'repositories'") > 0
    await stage.fault(effect="no_repositories_limit")
    ask(database, "DELETE FROM cursor_cache")
    await catalogue.refresh(api, "another key")


class Receiver:
    """Where the simulator delivers: the service behind POST /webhook."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.heard = asyncio.Event()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            said = await asyncio.to_thread(webhooks.receive, body, headers)
        except Unauthorized as error:
            said = str(error.code)
        self.answers.append(said)
        self.heard.set()
        return 200 if said in ("accepted", "outdated", "duplicate") else 401

    async def next(self) -> str:
        """The answer to the next delivery."""
        await asyncio.wait_for(self.heard.wait(), 10)
        self.heard.clear()
        return self.answers[-1]


@pytest.fixture
def receiver(database: str) -> Iterator[Receiver]:
    usual = current()
    tune(replace(usual, webhook_secret=SECRET))
    yield Receiver()
    tune(usual)


async def at_work(stage: Stage, pump: Pump, prompt: str = "Mend it.") -> str:
    """An agent that another tool launched, with a webhook, found by the list."""
    source = {"repository": "https://github.com/acme/shop", "ref": "main"}
    body = {"prompt": {"text": prompt}, "source": source, "webhook": HOOK}
    made = (await stage.call("POST", "/v0/agents", body))["id"]
    fleet.ensure_watch()
    await pump.run_due()
    assert state_of(made) == "working"
    return made


def now_ms(*, hours_ago: int = 0) -> int:
    return round(time.time() * 1000) - hours_ago * 3_600_000


@pytest.mark.parametrize(
    ("effect", "answers"),
    [
        (None, ["accepted"]),
        ("webhook_duplicate", ["accepted", "duplicate"]),
        ("webhook_bad_signature", ["bad_signature", "accepted"]),
    ],
)
async def test_a_webhook_makes_a_worker_look_once(
    receiver: Receiver, database: str, effect: str | None, answers: list[str]
) -> None:
    stage = Stage(receiver.post, now_ms())
    pump = stage.pump()
    made = await at_work(stage, pump)
    if effect:
        await stage.fault(effect=effect, count=1)
    stage.clock.advance(0.5)
    for _ in answers:
        await receiver.next()
        stage.clock.advance(0.05)  # the pause before it is sent again
    assert receiver.answers == answers
    assert await pump.run_due(JobKind.OBSERVE_AGENT) == 1
    assert state_of(made) == "finished"
    assert ask_one(database, "SELECT count(*) FROM webhook_deliveries") == 1


@pytest.mark.parametrize("is_stale", [False, True], ids=["lost", "an-hour-late"])
async def test_without_its_webhook_the_end_is_seen_all_the_same(
    receiver: Receiver, database: str, is_stale: bool
) -> None:
    stage = Stage(receiver.post, now_ms(hours_ago=int(is_stale)))
    pump = stage.pump()
    made = await at_work(stage, pump)
    if not is_stale:
        await stage.fault(effect="webhook_lost")
    stage.clock.advance(0.5)
    if is_stale:
        assert await receiver.next() == "stale"
    await stage.until(pump, lambda: state_of(made) == "finished")
    assert ask_one(database, "SELECT count(*) FROM webhook_deliveries") == 0


async def test_a_webhook_out_of_order_never_ends_what_began_meanwhile(receiver: Receiver, database: str) -> None:
    stage = Stage(receiver.post, now_ms())
    pump = stage.pump()
    made = await at_work(stage, pump, "Mend it. [[sim:slow:100]]")
    await stage.fault(effect="webhook_out_of_order", seconds=50, count=1)
    stage.clock.advance(1)
    skip(60)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    assert state_of(made) == "finished"
    agents.followup(made, "And the rest.", by="test")
    await pump.run_due(JobKind.SEND_FOLLOWUP)
    stage.clock.advance(0.5)
    assert await receiver.next() == "accepted", "a hint to look, whatever it says"
    skip(60)
    await pump.run_due(JobKind.OBSERVE_AGENT)
    assert state_of(made) == "working"
    await stage.until(pump, lambda: [r.status for r in queries.get_agent(made).runs] == ["FINISHED"] * 2)
