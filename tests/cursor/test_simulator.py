"""The client against the simulator's application, in process."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from cursor_monitor.cursor.api import RUN_TERMINAL, AgentSpec, Launched
from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.cursor.errors import CursorError, OutcomeUnknown, Permanent, Retryable, StreamExpired
from cursor_monitor.cursor.stream import AssistantFrame, DoneFrame, ResultFrame, StatusFrame, UnknownFrame
from cursor_monitor.cursor.webhooks import receive
from cursor_monitor.simulator.app import build_app, serve
from cursor_monitor.simulator.clock import ManualClock
from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.simulator import Simulator

BASE_URL = "http://simulator.test"
REPOSITORY = "https://github.com/acme/shop"
LONG_ENOUGH = 60.0


@dataclass
class Stage:
    """A simulator whose clock stands still until told, and clients for it."""

    transport: httpx.ASGITransport
    clock: ManualClock
    client: HttpCursorApi

    async def launch(self, prompt: str = "Add a README") -> Launched:
        return await self.client.create_agent(
            AgentSpec(f"bc-{uuid.uuid4()}", prompt, REPOSITORY, ref="main", auto_create_pr=True)
        )

    async def fault(self, **rule: object) -> None:
        async with httpx.AsyncClient(base_url=BASE_URL, transport=self.transport) as control:
            (await control.post("/_sim/faults", json=rule)).raise_for_status()

    async def ledger(self) -> dict[str, list[dict[str, object]]]:
        async with httpx.AsyncClient(base_url=BASE_URL, transport=self.transport) as control:
            return (await control.get("/_sim/ledger")).json()


async def no_pause(seconds: float) -> None:
    """Retries follow at once."""


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    clock = ManualClock()
    transport = httpx.ASGITransport(build_app(SimConfig(seed="7"), clock))
    client = build_client(BASE_URL, "crsr_test", transport=transport, sleep=no_pause)
    yield Stage(transport, clock, client)
    await client.aclose()


async def failure(call: object) -> CursorError:
    with pytest.raises(CursorError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_the_life_of_an_agent(stage: Stage) -> None:
    client = stage.client
    launched = await stage.launch()
    agent, first = launched.agent, launched.run
    assert first is not None
    assert (agent.repository, agent.ref, first.agent_id) == (REPOSITORY, "main", agent.id)
    usage = await client.get_usage(agent.id)
    assert (usage.total_tokens, usage.charged_cents, usage.runs[0].total_tokens) == (None, None, None)

    busy = await failure(client.create_run(agent.id, "Go on"))
    assert (type(busy), busy.code) == (Permanent, "agent_busy")

    stage.clock.advance(LONG_ENOUGH)
    ended = await client.get_run(agent.id, first.id)
    assert ended.status == "FINISHED"
    assert ended.status in RUN_TERMINAL
    assert ended.result
    assert [branch.repository for branch in ended.branches] == [REPOSITORY]
    assert (await client.get_usage(agent.id, first.id)).total_tokens

    second = await client.create_run(agent.id, "Go on [[sim:never]]")
    assert (await client.get_agent(agent.id)).latest_run_id == second.id
    await client.cancel_run(agent.id, second.id)
    stage.clock.advance(LONG_ENOUGH)
    assert (await client.get_run(agent.id, second.id)).status == "CANCELLED"
    late = await failure(client.cancel_run(agent.id, second.id))
    assert (type(late), late.code) == (Permanent, "run_not_cancellable")
    assert [run.id for run in (await client.list_runs(agent.id)).items] == [second.id, first.id]


async def test_an_agent_id_can_be_used_once(stage: Stage) -> None:
    launched = await stage.launch()
    again = AgentSpec(launched.agent.id, "Add a README", REPOSITORY)
    conflict = await failure(stage.client.create_agent(again))
    assert (type(conflict), conflict.code, conflict.status) == (Permanent, "agent_id_conflict", 409)
    assert (await stage.client.get_agent(launched.agent.id)).id == launched.agent.id
    assert len((await stage.ledger())["agents"]) == 1


async def test_a_cut_after_the_work_is_found_again_by_its_id(stage: Stage) -> None:
    spec = AgentSpec(f"bc-{uuid.uuid4()}", "Add a README", REPOSITORY)
    await stage.fault(effect="html", when="after", method="POST", count=1)
    assert type(await failure(stage.client.create_agent(spec))) is OutcomeUnknown
    assert (await stage.client.get_agent(spec.agent_id)).id == spec.agent_id
    assert len((await stage.ledger())["agents"]) == 1


async def test_pages_follow_their_cursor(stage: Stage) -> None:
    made = {(await stage.launch()).agent.id for _ in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await stage.client.list_agents(limit=2, cursor=cursor)
        seen += [agent.id for agent in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert (set(seen), len(seen)) == (made, 5)


async def test_archive_unarchive_delete(stage: Stage) -> None:
    client, agent_id = stage.client, (await stage.launch()).agent.id
    stage.clock.advance(LONG_ENOUGH)
    await client.archive_agent(agent_id)
    await client.archive_agent(agent_id)
    assert (await failure(client.create_run(agent_id, "x"))).code == "agent_archived"
    assert (await client.list_agents(include_archived=False)).items == ()
    await client.unarchive_agent(agent_id)
    assert (await client.create_run(agent_id, "x")).agent_id == agent_id
    await client.delete_agent(agent_id)
    gone = await failure(client.get_agent(agent_id))
    assert (type(gone), getattr(gone, "kind", None)) == (Permanent, "gone")


async def test_what_an_account_has(stage: Stage) -> None:
    assert (await stage.client.get_me()).key_name
    assert all(model.id and model.display_name for model in await stage.client.list_models())
    assert all(url.startswith("https://") for url in await stage.client.list_repositories())
    limited = await failure(stage.client.list_repositories())
    assert (type(limited), limited.code) == (Retryable, "rate_limit_exceeded")
    assert limited.retry_after
    assert stage.client.limits is not None
    assert stage.client.limits.remaining == 0


async def test_a_finished_run_is_replayed(stage: Stage) -> None:
    launched = await stage.launch()
    assert launched.run is not None
    agent_id, run_id = launched.agent.id, launched.run.id
    stage.clock.advance(LONG_ENOUGH)
    frames = [frame async for frame in stage.client.stream_run(agent_id, run_id)]
    assert isinstance(frames[0], StatusFrame)
    assert isinstance(frames[-1], DoneFrame)
    assert not any(isinstance(frame, UnknownFrame) for frame in frames)
    ends = [frame for frame in frames if isinstance(frame, ResultFrame)]
    assert [(end.run_id, end.status) for end in ends] == [(run_id, "FINISHED")]
    assert any(isinstance(frame, AssistantFrame) for frame in frames)

    middle = next(frame.event_id for frame in frames if isinstance(frame, AssistantFrame))
    rest = [frame async for frame in stage.client.stream_run(agent_id, run_id, middle)]
    assert len(rest) < len(frames)
    assert rest[-1] == frames[-1]
    await stage.fault(effect="stream_expired", count=1)
    assert type(await failure(anext(stage.client.stream_run(agent_id, run_id)))) is StreamExpired


async def test_conversation_and_artifacts(stage: Stage) -> None:
    agent_id = (await stage.launch("Add a README, please")).agent.id
    stage.clock.advance(LONG_ENOUGH)
    messages = await stage.client.get_conversation(agent_id)
    assert messages[0].type == "user_message"
    assert "Add a README, please" in messages[0].text
    assert messages[-1].type == "assistant_message"
    for artifact in await stage.client.list_artifacts(agent_id):
        assert (await stage.client.artifact_url(agent_id, artifact.path)).url.startswith("http")
    missing = await failure(stage.client.artifact_url(agent_id, "artifacts/missing.png"))
    assert (type(missing), missing.code) == (Permanent, "artifact_not_found")


async def test_reads_ride_out_a_short_disturbance(stage: Stage) -> None:
    agent_id = (await stage.launch()).agent.id
    await stage.fault(effect="html", method="GET", count=2)
    assert (await stage.client.get_agent(agent_id)).id == agent_id
    await stage.fault(effect="rate_limit", method="GET", count=1, retry_after=1)
    assert (await stage.client.get_agent(agent_id)).id == agent_id


async def test_words_never_seen_before_survive(stage: Stage) -> None:
    launched = await stage.launch()
    assert launched.run is not None
    await stage.fault(effect="unknown_status", status="DREAMING", count=1)
    await stage.fault(effect="unknown_field")
    assert (await stage.client.get_run(launched.agent.id, launched.run.id)).status == "DREAMING"


async def test_money_and_keys_are_told_apart(stage: Stage) -> None:
    await stage.fault(effect="usage_limit", method="POST", count=1)
    broke = await failure(stage.launch())
    assert (type(broke), getattr(broke, "kind", None), broke.status) == (Permanent, "money", 400)
    stranger = build_client(BASE_URL, "bad_key", transport=stage.transport)
    refused = await failure(stranger.get_me())
    assert (type(refused), getattr(refused, "kind", None)) == (Permanent, "key")


async def test_a_webhook_of_the_simulator_is_believed() -> None:
    posted: asyncio.Queue[tuple[bytes, Mapping[str, str]]] = asyncio.Queue()

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        await posted.put((body, headers))
        return 200

    clock, secret = ManualClock(), "a-secret-of-at-least-thirty-two-characters"
    simulator = Simulator(SimConfig(seed="7"), clock, post)
    launch = {
        "prompt": {"text": "Add a README"},
        "source": {"repository": REPOSITORY, "ref": "main"},
        "webhook": {"url": "https://monitor.test/hook", "secret": secret},
    }
    transport = httpx.ASGITransport(serve(simulator))
    async with httpx.AsyncClient(base_url=BASE_URL, transport=transport, auth=("crsr_test", "")) as client:
        agent_id = (await client.post("/v0/agents", json=launch)).json()["id"]
    await asyncio.sleep(0)  # the simulator's own task begins to wait for the end of the run
    clock.advance(LONG_ENOUGH)
    body, headers = await asyncio.wait_for(posted.get(), 5)
    simulator.close()
    now = datetime.fromtimestamp(clock.now() / 1000, UTC)
    delivery = receive(body, headers, secret=secret, now=now)
    assert (delivery.agent_id, delivery.status, delivery.repository) == (agent_id, "FINISHED", REPOSITORY)
    assert delivery.delivery_id
