"""The legacy view, and the webhooks that only it offers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest

from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.webhooks import NO_ANSWER, post_over_http
from tests.simulator.harness import REPO, Sim

SECRET = "s" * 32
HOOK = "http://hook.test/cursor"


class Receiver:
    """Takes deliveries, answers with scripted statuses, and lets a test wait for the next one."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict, dict[str, str]]] = []
        self.bodies: list[bytes] = []

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        assert url == HOOK
        self.bodies.append(body)
        self.got.append((json.loads(body), dict(headers)))
        return self.statuses.pop(0) if self.statuses else 200


async def launch(sim: Sim, prompt: str = "Add search", **fields: object) -> dict:
    body = {"prompt": {"text": prompt}, "source": {"repository": REPO, "ref": "main"}} | fields
    response = await sim.call("POST", "/v0/agents", body)
    assert response.status_code == 201, response.text
    return response.json()


async def settle(sim: Sim, seconds: float = 30.0) -> None:
    """Move the clock and let every webhook that is due go out."""
    for _ in range(20):
        await asyncio.sleep(0)
    sim.clock.advance(seconds)
    for _ in range(20):
        await asyncio.sleep(0)


async def hooked(receiver: Receiver, prompt: str = "Add search", **target: object) -> tuple[Sim, dict]:
    sim = Sim(SimConfig(seed="test"), post=receiver)
    return sim, await launch(sim, prompt, webhook={"url": HOOK, "secret": SECRET}, target=target)


async def test_an_agent_over_its_life(sim: Sim) -> None:
    agent = await launch(sim, target={"autoCreatePr": True, "branchName": "feature/search"})
    assert agent["status"] == "CREATING"
    assert agent["target"]["url"] == f"https://cursor.com/agents?id={agent['id']}"
    assert agent["target"]["branchName"] == "feature/search"
    assert "summary" not in agent
    sim.clock.advance(30)
    ended = await sim.get(f"/v0/agents/{agent['id']}")
    assert ended["status"] == "FINISHED"
    assert ended["target"]["prUrl"] == f"{REPO}/pull/101"
    assert ended["summary"]
    assert (await sim.get(f"/v1/agents/{agent['id']}"))["status"] == "IDLE"
    assert (await sim.get("/v0/agents"))["agents"] == [ended]


async def test_stop_and_follow_up(sim: Sim) -> None:
    agent = await launch(sim, "x [[sim:never]]")
    path = f"/v0/agents/{agent['id']}"
    assert (await sim.call("POST", f"{path}/stop")).json() == {"id": agent["id"]}
    sim.clock.advance(1)
    assert (await sim.get(path))["status"] == "STOPPED"
    assert (await sim.call("POST", f"{path}/stop")).status_code == 409
    assert (await sim.call("POST", f"{path}/followup", {"prompt": {"text": "Go on"}})).json() == {"id": agent["id"]}
    assert (await sim.get(path))["status"] == "CREATING"


async def test_the_conversation_of_a_v1_agent_grows(sim: Sim) -> None:
    created = await sim.create("Add search")
    path = f"/v0/agents/{created['agent']['id']}/conversation"
    early = await sim.get(path)
    assert [message["type"] for message in early["messages"]] == ["user_message"]
    run = await sim.finished(created)
    late = await sim.get(path)
    assert late["messages"][0]["text"] == "Add search"
    assert late["messages"][-1]["text"] == run["result"]
    assert len({message["id"] for message in late["messages"]}) == len(late["messages"]) > 2
    await sim.call("DELETE", f"/v0/agents/{created['agent']['id']}")
    assert (await sim.call("GET", path)).status_code == 404


async def test_artifacts_have_absolute_paths(sim: Sim) -> None:
    agent = await launch(sim)
    sim.clock.advance(30)
    base = f"/v0/agents/{agent['id']}/artifacts"
    items = (await sim.get(base))["artifacts"]
    assert items[0]["absolutePath"].startswith("/workspace/artifacts/")
    url = (await sim.get(f"{base}/download?path={items[0]['absolutePath']}"))["url"]
    del sim.http.headers["Authorization"]
    assert (await sim.call("GET", url)).status_code == 200


async def test_account(sim: Sim) -> None:
    assert (await sim.get("/v0/me"))["userEmail"]
    assert "composer-2" in (await sim.get("/v0/models"))["models"]
    (first, *_) = (await sim.get("/v0/repositories"))["repositories"]
    assert first == {"owner": "acme", "name": "shop", "repository": REPO}
    assert (await sim.call("GET", "/v0/repositories")).status_code == 429


@pytest.mark.parametrize(
    "fields",
    [
        {"source": {}},
        {"source": {"repository": "nonsense"}},
        {"source": {"prUrl": f"{REPO}/issues/1"}},
        {"webhook": {"url": HOOK, "secret": "short"}},
        {"webhook": {"url": "nonsense"}},
        {"target": {"autoCreatePR": True}},
        {"model": "gpt-1"},
        {"agentId": "x"},
    ],
)
async def test_wrong_launches_get_a_flat_error(sim: Sim, fields: dict) -> None:
    body = {"prompt": {"text": "x"}, "source": {"repository": REPO}} | fields
    response = await sim.call("POST", "/v0/agents", body)
    assert response.status_code == 400
    assert isinstance(response.json()["error"], str)


async def test_a_launch_from_a_pull_request(sim: Sim) -> None:
    source = {"prUrl": f"{REPO}/pull/7"}
    agent = await launch(sim, source=source, target={"autoBranch": False})
    assert agent["source"] == {"repository": REPO, **source}
    sim.clock.advance(30)
    assert (await sim.get(f"/v0/agents/{agent['id']}"))["target"]["prUrl"] == source["prUrl"]


async def test_a_finished_agent_sends_one_signed_webhook() -> None:
    receiver = Receiver()
    sim, agent = await hooked(receiver, autoCreatePr=True)
    await settle(sim)
    ((body, headers),) = receiver.got
    wanted = hmac.new(SECRET.encode(), receiver.bodies[0], hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Signature"] == f"sha256={wanted}"
    assert headers["X-Webhook-Event"] == body["event"] == "statusChange"
    assert headers["User-Agent"] == "Cursor-Agent-Webhook/1.0"
    assert (body["id"], body["status"]) == (agent["id"], "FINISHED")
    assert body["target"]["prUrl"] == f"{REPO}/pull/101"
    assert body["source"] == {"repository": REPO, "ref": "main"}


@pytest.mark.parametrize(("marker", "sent"), [("error", ["ERROR"]), ("expire", []), ("never", [])])
async def test_only_finished_and_error_are_told(marker: str, sent: list[str]) -> None:
    receiver = Receiver()
    sim, _ = await hooked(receiver, f"x [[sim:{marker}]]")
    await settle(sim)
    assert [body["status"] for body, _ in receiver.got] == sent


async def test_each_run_of_a_hooked_agent_is_told() -> None:
    receiver = Receiver()
    sim, agent = await hooked(receiver)
    await settle(sim)
    assert (await sim.follow_up(agent["id"])).status_code == 201
    await settle(sim)
    assert len(receiver.got) == 2
    assert len({headers["X-Webhook-ID"] for _, headers in receiver.got}) == 2


async def test_refused_deliveries_are_sent_again_and_then_given_up() -> None:
    receiver = Receiver(500, NO_ANSWER, 200)
    sim, _ = await hooked(receiver)
    for _ in range(4):
        await settle(sim)
    assert len(receiver.got) == 3
    assert len(set(receiver.bodies)) == 1
    stubborn = Receiver(*[500] * 20)
    sim, _ = await hooked(stubborn)
    for _ in range(10):
        await settle(sim)
    assert len(stubborn.got) == 5


async def test_unreliable_webhooks() -> None:
    receiver = Receiver()
    sim, agent = await hooked(receiver)
    for effect in ("webhook_duplicate", "webhook_bad_signature"):
        await sim.fault(effect=effect, count=1)
    await settle(sim)
    signatures = [headers["X-Webhook-Signature"] for _, headers in receiver.got]
    assert len(set(signatures)) == len(signatures) == 2
    await sim.fault(effect="webhook_lost", count=1)
    await sim.follow_up(agent["id"])
    await settle(sim)
    assert len(receiver.got) == 2


async def test_webhooks_out_of_order() -> None:
    receiver = Receiver()
    sim, first = await hooked(receiver)
    await sim.fault(effect="webhook_out_of_order", seconds=100, count=1)
    await settle(sim)
    second = await launch(sim, webhook={"url": HOOK})
    await settle(sim)
    await settle(sim, 100)
    assert [body["id"] for body, _ in receiver.got] == [second["id"], first["id"]]
    assert "X-Webhook-Signature" not in receiver.got[0][1]


async def test_nobody_listening_is_no_answer() -> None:
    assert await post_over_http("http://127.0.0.1:1/", b"{}", {}) == NO_ANSWER
