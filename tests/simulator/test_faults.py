"""Faults that are switched on at run time, and the ledger that must see through them."""

from __future__ import annotations

import time

import pytest

from cursor_monitor.simulator.sever import ConnectionCutError
from tests.simulator.harness import AGENT, Sim, error_code

CREATE = {"method": "POST", "path": "^/v1/agents$"}


async def create_raw(sim: Sim):
    return await sim.call("POST", "/v1/agents", {"prompt": {"text": "x"}, "agentId": AGENT})


async def test_create_succeeds_but_the_connection_is_cut(sim: Sim) -> None:
    await sim.fault(effect="cut", when="after", count=1, **CREATE)
    with pytest.raises(ConnectionCutError):
        await create_raw(sim)
    assert error_code(await create_raw(sim)) == "agent_id_conflict"
    ledger = await sim.ledger()
    assert [(agent["id"], agent["create_calls"]) for agent in ledger["agents"]] == [(AGENT, 2)]
    assert ledger["rejected"] == {"cut after": 1, "409 agent_id_conflict": 1}
    assert ledger["requests"] == {"POST /v1/agents": 2}


async def test_cut_before_the_effect(sim: Sim) -> None:
    await sim.fault(effect="cut", count=1, **CREATE)
    with pytest.raises(ConnectionCutError):
        await create_raw(sim)
    assert (await sim.ledger())["agents"] == []
    assert (await create_raw(sim)).status_code == 201


async def test_truncated_body(sim: Sim) -> None:
    await sim.fault(effect="truncated", path="models")
    with pytest.raises(ConnectionCutError):
        await sim.call("GET", "/v1/models")


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"effect": "status"}, 500, "internal_error"),
        ({"effect": "status", "status": 503, "code": "upstream_error"}, 503, "upstream_error"),
        ({"effect": "usage_limit"}, 400, "usage_limit_exceeded"),
        ({"effect": "feature_unavailable"}, 403, "feature_unavailable"),
        ({"effect": "rate_limit"}, 429, "rate_limit_exceeded"),
    ],
)
async def test_refusals(sim: Sim, rule: dict, status: int, code: str) -> None:
    await sim.fault(count=1, **rule, **CREATE)
    response = await create_raw(sim)
    assert (response.status_code, error_code(response)) == (status, code)
    ledger = await sim.ledger()
    assert ledger["agents"] == []
    assert ledger["rejected"] == {f"{status} {code}": 1}
    assert (await create_raw(sim)).status_code == 201


async def test_an_error_after_the_effect(sim: Sim) -> None:
    await sim.fault(effect="status", when="after", count=1, **CREATE)
    assert (await create_raw(sim)).status_code == 500
    assert len((await sim.ledger())["agents"]) == 1


async def test_rate_limit_headers_and_their_absence(sim: Sim) -> None:
    await sim.fault(effect="rate_limit", retry_after=7, count=1)
    await sim.fault(effect="rate_limit", retry_after=None, count=1)
    first, second = [await sim.call("GET", "/v1/me") for _ in range(2)]
    assert first.headers["retry-after"] == "7"
    assert "x-ratelimit-reset" in first.headers
    assert second.status_code == 429
    assert not [name for name in second.headers if "ratelimit" in name or name == "retry-after"]


async def test_html_and_empty_bodies(sim: Sim) -> None:
    await sim.fault(effect="html", count=1)
    await sim.fault(effect="empty", status=504, count=1)
    first, second = [await sim.call("GET", "/v1/me") for _ in range(2)]
    assert (first.status_code, first.headers["content-type"]) == (502, "text/html")
    assert (second.status_code, second.content) == (504, b"")


async def test_own_body_and_headers(sim: Sim) -> None:
    await sim.fault(effect="status", status=418, body={"error": "flat"}, headers={"X-Kettle": "on"})
    response = await sim.call("GET", "/v1/me")
    assert (response.status_code, response.json(), response.headers["x-kettle"]) == (418, {"error": "flat"}, "on")


async def test_delay(sim: Sim) -> None:
    await sim.fault(effect="delay", seconds=0.05, path="me$")
    begun = time.monotonic()
    assert (await sim.call("GET", "/v1/me")).status_code == 200
    assert time.monotonic() - begun >= 0.05


async def test_probability_follows_the_seed() -> None:
    patterns = []
    for _ in range(2):
        sim = Sim()
        await sim.fault(effect="status", probability=0.5)
        patterns.append([(await sim.call("GET", "/v1/me")).status_code for _ in range(40)])
    assert patterns[0] == patterns[1]
    assert set(patterns[0]) == {200, 500}


async def test_rules_are_listed_counted_and_ended(sim: Sim) -> None:
    posted = await sim.call("POST", "/_sim/faults", {"rules": [{"effect": "status", "count": 2}, {"effect": "delay"}]})
    assert len(posted.json()["rules"]) == 2
    await sim.call("DELETE", "/_sim/faults")
    await sim.fault(effect="status", count=2)
    assert (await sim.call("GET", "/v1/me")).status_code == 500
    (rule,) = (await sim.get("/_sim/faults"))["rules"]
    assert (rule["hits"], rule["count"]) == (1, 1)
    await sim.call("DELETE", "/_sim/faults")
    assert (await sim.call("GET", "/v1/me")).status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"effect": "nonsense"},
        {"effect": "cut", "when": "never"},
        {"effect": "cut", "seconds": 3},
        {"effect": "delay", "seconds": -1},
        {"effect": "delay", "probability": 2},
        {"effect": "delay", "count": 0},
        {"effect": "delay", "path": "("},
        [{"effect": "delay"}, {"effect": "nonsense"}],
    ],
)
async def test_wrong_rules_are_refused_whole(sim: Sim, rule: object) -> None:
    response = await sim.call("POST", "/_sim/faults", rule)
    assert response.status_code == 400
    assert (await sim.get("/_sim/faults"))["rules"] == []


async def test_cancel_delay_and_cancel_that_loses(sim: Sim) -> None:
    await sim.fault(effect="cancel_delay", seconds=20, count=1)
    await sim.fault(effect="cancel_loses", seconds=2, count=1)
    ends = []
    for _ in range(2):
        created = await sim.create("x [[sim:never]]")
        path = f"/v1/agents/{created['agent']['id']}/runs/{created['run']['id']}/cancel"
        assert (await sim.call("POST", path)).status_code == 200
        sim.clock.advance(5)
        ends.append((await sim.run_of(created))["status"])
    assert ends == ["RUNNING", "FINISHED"]


async def test_usage_can_be_late_or_closed(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    path = f"/v1/agents/{created['agent']['id']}/usage"
    await sim.fault(effect="usage_delay", seconds=3600, path="usage$", count=1)
    assert (await sim.get(path))["totalUsage"]["totalTokens"] == 0
    await sim.fault(effect="feature_unavailable", path="usage$", count=1)
    assert (await sim.call("GET", path)).status_code == 403
    assert (await sim.get(path))["totalUsage"]["totalTokens"] > 0


async def test_hidden_artifacts_lagging_lists_and_new_words(sim: Sim) -> None:
    created = await sim.create()
    await sim.finished(created)
    base = f"/v1/agents/{created['agent']['id']}"
    await sim.fault(effect="artifacts_empty", count=1)
    await sim.fault(effect="list_lag", seconds=60, count=1)
    await sim.fault(effect="unknown_status", path="runs/", status="DREAMING", count=1)
    await sim.fault(effect="unknown_field", path="runs/", count=1)
    assert (await sim.get(f"{base}/artifacts"))["items"] == []
    assert (await sim.get("/v1/agents"))["items"] == []
    run = await sim.run_of(created)
    assert (run["status"], "futureField" in run) == ("DREAMING", True)
    assert (await sim.run_of(created))["status"] == "FINISHED"


async def test_environment_variables_can_be_ignored(sim: Sim) -> None:
    seen = []
    for _ in range(2):
        created = await sim.create(envVars={"API_TOKEN": "v"})
        await sim.finished(created)
        told = await sim.get(f"/v0/agents/{created['agent']['id']}/conversation")
        seen.append("API_TOKEN" in str(told))
        await sim.fault(effect="env_vars_ignored")
    assert seen == [True, False]


async def test_the_ledger_has_exactly_its_keys(sim: Sim) -> None:
    created = await sim.create("x [[sim:never]]", name="Named")
    ledger = await sim.ledger()
    assert set(ledger) == {"agents", "requests", "rejected"}
    (agent,) = ledger["agents"]
    assert agent == {
        "id": created["agent"]["id"],
        "name": "Named",
        "repository": "acme/shop",
        "ref": "main",
        "created_at": created["agent"]["createdAt"],
        "create_calls": 1,
        "runs": [
            {
                "id": created["run"]["id"],
                "status": "CREATING",
                "created_at": created["run"]["createdAt"],
                "ended_at": None,
                "prompt": "x [[sim:never]]",
            }
        ],
    }


async def test_requests_are_counted_by_route(sim: Sim) -> None:
    created = await sim.create()
    await sim.run_of(created)
    await sim.run_of(created)
    assert (await sim.ledger())["requests"] == {"POST /v1/agents": 1, "GET /v1/agents/{id}/runs/{runId}": 2}


async def test_reset_forgets_everything(sim: Sim) -> None:
    await sim.create()
    await sim.fault(effect="status")
    assert (await sim.call("POST", "/_sim/reset")).status_code == 200
    assert await sim.ledger() == {"agents": [], "requests": {}, "rejected": {}}
    assert (await sim.get("/v1/agents"))["items"] == []
