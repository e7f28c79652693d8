"""Every answer of v1 against the vendor's description."""

from __future__ import annotations

import re

import pytest

from tests.simulator.harness import AGENT, REPO, Sim, check, error_code

MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
NOBODY = "bc-00000000-0000-4000-8000-ffffffffffff"


async def test_create_answers_agent_and_run(sim: Sim) -> None:
    body = {
        "prompt": {"text": "Add search", "images": [{"url": "https://example.com/a.png"}]},
        "model": {"id": "gpt-5.5", "params": [{"id": "thinking", "value": "high"}]},
        "name": "Search",
        "repos": [{"url": REPO, "startingRef": "main"}],
        "autoCreatePR": True,
        "mcpServers": [{"name": "x", "command": "npx", "args": ["-y"]}, {"name": "y", "url": "https://y.test/mcp"}],
        "customSubagents": [{"name": "r", "description": "d", "prompt": "p", "model": "composer-2"}],
        "envVars": {"TOKEN": "secret value"},
    }
    response = await sim.call("POST", "/v1/agents", body)
    created = check("POST", "/v1/agents", response)
    assert created["run"]["status"] == "CREATING"
    assert created["agent"]["status"] == "ACTIVE"
    assert created["agent"]["latestRunId"] == created["run"]["id"]
    assert created["agent"]["customSubagents"] == body["customSubagents"]
    assert MOMENT.match(created["agent"]["createdAt"])
    assert "secret value" not in response.text
    assert "git" not in created["run"]
    assert "result" not in created["run"]


async def test_ids_are_taken_in_any_case_and_answered_in_lower_case(sim: Sim) -> None:
    created = await sim.create(agentId=AGENT.replace("aa", "AA"))
    assert created["agent"]["id"] == AGENT
    shouted = f"bc-{AGENT[3:].upper()}"
    assert (await sim.get(f"/v1/agents/{shouted}"))["id"] == AGENT
    run_id = created["run"]["id"]
    assert (await sim.get(f"/v1/agents/{AGENT}/runs/run-{run_id[4:].upper()}"))["id"] == run_id


async def test_reading_an_agent_and_its_runs(sim: Sim) -> None:
    created = await sim.create(autoCreatePR=True)
    agent_id, run_id = created["agent"]["id"], created["run"]["id"]
    await sim.finished(created)
    agent = check("GET", "/v1/agents/{id}", await sim.call("GET", f"/v1/agents/{agent_id}"))
    assert agent["status"] == "IDLE"
    run = check("GET", "/v1/agents/{id}/runs/{runId}", await sim.call("GET", f"/v1/agents/{agent_id}/runs/{run_id}"))
    assert run["status"] == "FINISHED"
    assert 4_000 <= run["durationMs"] <= 12_000
    (branch,) = run["git"]["branches"]
    assert branch["repoUrl"] == "github.com/acme/shop"
    assert re.match(r"^cursor/login-page-[0-9a-f]{4}$", branch["branch"])
    assert branch["prUrl"] == f"{REPO}/pull/101"
    runs = check("GET", "/v1/agents/{id}/runs", await sim.call("GET", f"/v1/agents/{agent_id}/runs"))
    assert [item["id"] for item in runs["items"]] == [run_id]
    assert not {"result", "durationMs"} & set(runs["items"][0])


async def test_every_run_shows_the_same_branches(sim: Sim) -> None:
    created = await sim.create()
    first = await sim.finished(created)
    check("POST", "/v1/agents/{id}/runs", await sim.follow_up(created["agent"]["id"]))
    runs = await sim.get(f"/v1/agents/{created['agent']['id']}/runs")
    assert [item["git"] for item in runs["items"]] == [first["git"]] * 2
    assert [item["status"] for item in runs["items"]] == ["CREATING", "FINISHED"]


async def test_pages_cover_all_agents_once_and_end_without_a_cursor(sim: Sim) -> None:
    ids = [(await sim.create(f"Task {n}"))["agent"]["id"] for n in range(7)]
    seen, page, path = [], {}, "/v1/agents?limit=3"
    for _ in range(3):
        page = check("GET", "/v1/agents", await sim.call("GET", path))
        seen += [item["id"] for item in page["items"]]
        path = f"/v1/agents?limit=3&cursor={page.get('nextCursor')}"
    assert seen == ids[::-1]
    assert "nextCursor" not in page


async def test_runs_are_paged(sim: Sim) -> None:
    agent_id = (await sim.create())["agent"]["id"]
    for _ in range(2):
        sim.clock.advance(30)
        assert (await sim.follow_up(agent_id)).status_code == 201
    first = await sim.get(f"/v1/agents/{agent_id}/runs?limit=2")
    rest = await sim.get(f"/v1/agents/{agent_id}/runs?limit=2&cursor={first['nextCursor']}")
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3
    assert "nextCursor" not in rest


async def test_agents_are_found_by_pull_request(sim: Sim) -> None:
    created = await sim.create(autoCreatePR=True)
    await sim.create(autoCreatePR=True)
    run = await sim.finished(created)
    pull = run["git"]["branches"][0]["prUrl"]
    page = await sim.get(f"/v1/agents?prUrl={pull}")
    assert [item["id"] for item in page["items"]] == [created["agent"]["id"]]


async def test_archive_is_idempotent_and_hides_on_request(sim: Sim) -> None:
    agent_id = (await sim.create())["agent"]["id"]
    sim.clock.advance(30)
    for _ in range(2):
        check("POST", "/v1/agents/{id}/archive", await sim.call("POST", f"/v1/agents/{agent_id}/archive"))
    assert (await sim.get(f"/v1/agents/{agent_id}"))["status"] == "ARCHIVED"
    refused = await sim.follow_up(agent_id)
    check("POST", "/v1/agents/{id}/runs", refused)
    assert (refused.status_code, error_code(refused)) == (409, "agent_archived")
    assert (await sim.get("/v1/agents?includeArchived=false"))["items"] == []
    assert len((await sim.get("/v1/agents"))["items"]) == 1
    for _ in range(2):
        check("POST", "/v1/agents/{id}/unarchive", await sim.call("POST", f"/v1/agents/{agent_id}/unarchive"))
    assert (await sim.follow_up(agent_id)).status_code == 201


async def test_a_deleted_agent_is_gone_but_stays_in_the_ledger(sim: Sim) -> None:
    agent_id = (await sim.create(agentId=AGENT))["agent"]["id"]
    check("DELETE", "/v1/agents/{id}", await sim.call("DELETE", f"/v1/agents/{agent_id}"))
    for method, route in (("GET", "/v1/agents/{id}"), ("DELETE", "/v1/agents/{id}"), ("GET", "/v1/agents/{id}/usage")):
        response = await sim.call(method, route.replace("{id}", agent_id))
        check(method, route, response)
        assert (response.status_code, error_code(response)) == (404, "agent_not_found")
    assert (await sim.get("/v1/agents"))["items"] == []
    again = await sim.call("POST", "/v1/agents", {"prompt": {"text": "x"}, "agentId": AGENT})
    assert error_code(again) == "agent_id_conflict"
    (entry,) = (await sim.ledger())["agents"]
    assert (entry["id"], entry["create_calls"]) == (AGENT, 2)


async def test_usage_comes_after_the_end(sim: Sim) -> None:
    created = await sim.create()
    path = f"/v1/agents/{created['agent']['id']}/usage"
    before = check("GET", "/v1/agents/{id}/usage", await sim.call("GET", path))
    assert before["totalUsage"]["totalTokens"] == 0
    assert "usageUuid" not in before["runs"][0]
    await sim.finished(created)
    after = check("GET", "/v1/agents/{id}/usage", await sim.call("GET", path))
    total = after["totalUsage"]
    assert total["totalTokens"] == sum(total.values()) - total["totalTokens"] > 0
    assert after["cost"]["chargedCents"] == after["runs"][0]["cost"]["chargedCents"] > 0
    one = await sim.get(f"{path}?runId={created['run']['id']}")
    assert one == after
    unknown = await sim.call("GET", f"{path}?runId=run-nothing")
    check("GET", "/v1/agents/{id}/usage", unknown)
    assert error_code(unknown) == "run_not_found"


async def test_artifacts_and_their_presigned_addresses(sim: Sim) -> None:
    created = await sim.create()
    base = f"/v1/agents/{created['agent']['id']}/artifacts"
    assert (await sim.get(base)) == {"items": []}
    await sim.finished(created)
    items = check("GET", "/v1/agents/{id}/artifacts", await sim.call("GET", base))["items"]
    assert items
    response = await sim.call("GET", f"{base}/download?path={items[0]['path']}")
    url = check("GET", "/v1/agents/{id}/artifacts/download", response)["url"]
    assert (await sim.call("GET", url)).status_code == 400
    del sim.http.headers["Authorization"]
    fetched = await sim.call("GET", url)
    assert (fetched.status_code, len(fetched.content)) == (200, items[0]["sizeBytes"])
    assert (await sim.call("GET", url[:-1] + ("0" if url[-1] != "0" else "1"))).status_code == 403
    sim.clock.advance(901)
    assert (await sim.call("GET", url)).status_code == 403


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("artifacts/nothing.txt", 404, "artifact_not_found"),
        ("/workspace/artifacts/summary-1.md", 400, "validation_error"),
        ("artifacts/../x", 400, "validation_error"),
        ("", 400, "validation_error"),
    ],
)
async def test_wrong_artifact_paths(sim: Sim, path: str, status: int, code: str) -> None:
    agent_id = (await sim.create())["agent"]["id"]
    response = await sim.call("GET", f"/v1/agents/{agent_id}/artifacts/download?path={path}")
    check("GET", "/v1/agents/{id}/artifacts/download", response)
    assert (response.status_code, error_code(response)) == (status, code)


async def test_account_and_models(sim: Sim) -> None:
    me = check("GET", "/v1/me", await sim.call("GET", "/v1/me"))
    assert me["userEmail"] == "developer@example.com"
    team = check("GET", "/v1/me", await sim.call("GET", "/v1/me", headers={"Authorization": "Bearer sa_team"}))
    assert "userId" not in team
    models = check("GET", "/v1/models", await sim.call("GET", "/v1/models"))["items"]
    assert models[0]["id"] == "default"


async def test_repositories_once_a_minute_and_thirty_an_hour(sim: Sim) -> None:
    check("GET", "/v1/repositories", await sim.call("GET", "/v1/repositories"))
    limited = await sim.call("GET", "/v1/repositories")
    check("GET", "/v1/repositories", limited)
    assert (limited.status_code, error_code(limited)) == (429, "rate_limit_exceeded")
    assert limited.headers["retry-after"] == "60"
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(limited.headers)
    other = {"Authorization": "Bearer another"}
    assert (await sim.call("GET", "/v1/repositories", headers=other)).status_code == 200
    for _ in range(29):
        sim.clock.advance(60)
        assert (await sim.call("GET", "/v1/repositories")).status_code == 200
    sim.clock.advance(60)
    assert (await sim.call("GET", "/v1/repositories")).headers["x-ratelimit-limit"] == "30"
    await sim.fault(effect="no_repositories_limit", path="repositories")
    assert (await sim.call("GET", "/v1/repositories")).status_code == 200


async def test_worker_tokens_are_for_service_accounts(sim: Sim) -> None:
    body, route = {"forUserEmail": "Alice@Company.com"}, "/v1/sub-tokens"
    refused = await sim.call("POST", route, body)
    check("POST", route, refused)
    assert error_code(refused) == "service_account_required"
    team = {"Authorization": "Bearer sa_team"}
    assert check("POST", route, await sim.call("POST", route, body, team))["userId"] == 42
    unknown = await sim.call("POST", route, {"forUserId": 7}, team)
    check("POST", route, unknown)
    assert unknown.status_code == 404
    both = await sim.call("POST", route, body | {"forUserId": 42}, team)
    check("POST", route, both)
    assert both.status_code == 400


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, "unauthorized"),
        ("Bearer ", 401, "unauthorized"),
        ("Token key", 401, "unauthorized"),
        ("Basic !!!", 401, "unauthorized"),
        ("Bearer bad-key", 401, "api_key_not_found"),
        ("Basic YmFkOg==", 401, "api_key_not_found"),
        ("Bearer free-key", 403, "plan_required"),
        ("Basic a2V5Og==", 200, ""),
    ],
)
async def test_keys(sim: Sim, header: str | None, status: int, code: str) -> None:
    del sim.http.headers["Authorization"]
    response = await sim.call("GET", "/v1/agents", headers={"Authorization": header} if header else {})
    check("GET", "/v1/agents", response)
    assert response.status_code == status
    assert status == 200 or error_code(response) == code


async def test_readonly_keys_may_look_only(sim: Sim) -> None:
    key = {"Authorization": "Bearer readonly"}
    assert (await sim.call("GET", "/v1/agents", headers=key)).status_code == 200
    refused = await sim.call("POST", "/v1/agents", {"prompt": {"text": "x"}}, key)
    check("POST", "/v1/agents", refused)
    assert error_code(refused) == "role_forbidden"


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "/v1/agents/{id}"),
        ("GET", "/v1/agents/{id}/runs"),
        ("GET", "/v1/agents/{id}/runs/{runId}"),
        ("GET", "/v1/agents/{id}/runs/{runId}/stream"),
        ("POST", "/v1/agents/{id}/runs/{runId}/cancel"),
        ("POST", "/v1/agents/{id}/archive"),
        ("POST", "/v1/agents/{id}/unarchive"),
        ("GET", "/v1/agents/{id}/artifacts"),
    ],
)
async def test_unknown_agents_are_404(sim: Sim, method: str, route: str) -> None:
    response = await sim.call(method, route.replace("{id}", NOBODY).replace("{runId}", "run-x"))
    check(method, route, response)
    assert (response.status_code, error_code(response)) == (404, "agent_not_found")


async def test_unknown_run_is_404(sim: Sim) -> None:
    agent_id = (await sim.create())["agent"]["id"]
    response = await sim.call("GET", f"/v1/agents/{agent_id}/runs/run-x")
    check("GET", "/v1/agents/{id}/runs/{runId}", response)
    assert error_code(response) == "run_not_found"


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=x", "limit=", "cursor=", "cursor=bcp_1", "cursor=run_00000001"),
        *("name=x", "q=x", "status=IDLE", "includeArchived=yes", "prUrl=nothing"),
    ],
)
async def test_wrong_queries_are_refused(sim: Sim, query: str) -> None:
    response = await sim.call("GET", f"/v1/agents?{query}")
    check("GET", "/v1/agents", response)
    assert (response.status_code, error_code(response)) == (400, "validation_error")


async def test_unknown_routes_and_methods(sim: Sim) -> None:
    assert error_code(await sim.call("GET", "/v1/nothing")) == "not_found"
    refused = await sim.call("PUT", "/v1/agents")
    assert (refused.status_code, error_code(refused)) == (405, "method_not_allowed")
    assert refused.headers["allow"]
