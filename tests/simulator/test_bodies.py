"""What a request body may hold, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.harness import AGENT, REPO, Sim, check, error_code

PROMPT = {"text": "x"}
IMAGE = {"data": "aGVsbG8=", "mimeType": "image/png"}


def subagent(**fields: object) -> dict[str, object]:
    return {"name": "r", "description": "d", "prompt": "p"} | fields


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "prompt: Required"),
    ({"prompt": {}}, "prompt.text: Required"),
    ({"prompt": {"text": ""}}, "at least 1"),
    ({"prompt": {"text": 3}}, "Expected string"),
    ({"prompt": "x"}, "Expected object"),
    ({"prompt": PROMPT | {"images": [IMAGE] * 6}}, "at most 5"),
    ({"prompt": PROMPT | {"images": [{"data": "aGVsbG8="}]}}, "mimeType"),
    ({"prompt": PROMPT | {"images": [IMAGE | {"url": "https://x.test/a"}]}}, "exactly one"),
    ({"prompt": PROMPT | {"images": [{}]}}, "exactly one"),
    ({"prompt": PROMPT | {"images": [{"url": "https://x.test/a", "mimeType": "image/png"}]}}, "omitted"),
    ({"prompt": PROMPT | {"images": [{"url": "ftp://x.test/a"}]}}, "Invalid url"),
    ({"prompt": PROMPT | {"images": [IMAGE | {"data": "%%%"}]}}, "base64"),
    ({"prompt": PROMPT | {"images": [IMAGE | {"mimeType": "image/tiff"}]}}, "enum"),
    ({"prompt": PROMPT | {"images": [IMAGE | {"dimension": {"width": 0, "height": 1}}]}}, "width"),
    ({"prompt": PROMPT, "name": "n" * 101}, "at most 100"),
    ({"prompt": PROMPT, "name": None}, "Expected string"),
    ({"prompt": PROMPT, "agentId": "bc-1"}, "agentId"),
    ({"prompt": PROMPT, "agentId": f"{AGENT}\n"}, "agentId"),
    ({"prompt": PROMPT, "agentId": AGENT, "envVars": {"A": "b"}}, "envVars"),
    ({"prompt": PROMPT, "envVars": {"CURSOR_X": "b"}}, "CURSOR_"),
    ({"prompt": PROMPT, "envVars": {"A": ""}}, "at least 1"),
    ({"prompt": PROMPT, "envVars": {"A": "é" * 2049}}, "4096 bytes"),
    ({"prompt": PROMPT, "envVars": {f"A{n}": "b" for n in range(51)}}, "50"),
    ({"prompt": PROMPT, "mode": "ask"}, "mode"),
    ({"prompt": PROMPT, "autoCreatePR": "yes"}, "Expected boolean"),
    ({"prompt": PROMPT, "autoCreatePr": True}, "autoCreatePr"),
    ({"prompt": PROMPT, "repos": [{"url": REPO}] * 21}, "at most 20"),
    ({"prompt": PROMPT, "repos": [{"prUrl": f"{REPO}/pull/1"}]}, "url"),
    ({"prompt": PROMPT, "repos": [{"url": "acme"}]}, "repository URL"),
    ({"prompt": PROMPT, "repos": [{"url": REPO, "branch": "x"}]}, "branch"),
    ({"prompt": PROMPT, "repos": [{"url": "https://github.com/acme/missing-repo"}]}, "existence of branch 'main'"),
    ({"prompt": PROMPT, "repos": [{"url": REPO, "startingRef": "missing"}]}, "existence of branch 'missing'"),
    ({"prompt": PROMPT, "repos": [{"url": REPO, "startingRef": "cursor/never-0000"}]}, "existence of branch"),
    ({"prompt": PROMPT, "env": {"type": "cloud", "name": "e"}, "repos": [{"url": REPO}]}, "named cloud"),
    ({"prompt": PROMPT, "env": {"type": "machine"}}, "exactly one repository"),
    ({"prompt": PROMPT, "env": {"type": "pool", "name": "unknown"}}, "not found"),
    ({"prompt": PROMPT, "mcpServers": [{"name": "a", "command": "x"}] * 2}, "unique"),
    ({"prompt": PROMPT, "mcpServers": [{"name": "a", "command": "x", "cwd": "/"}]}, "cwd"),
    ({"prompt": PROMPT, "mcpServers": [{"name": "a", "url": "https://u:p@x.test"}]}, "credentials"),
    ({"prompt": PROMPT, "mcpServers": [{"name": "a"}]}, "exactly one"),
    ({"prompt": PROMPT, "customSubagents": [subagent(name="shell")]}, "built-in"),
    ({"prompt": PROMPT, "customSubagents": [subagent(), subagent()]}, "unique"),
    ({"prompt": PROMPT, "customSubagents": [subagent(tools=[])]}, "tools"),
    ({"prompt": PROMPT, "model": {"id": "gpt-5.5", "params": [{"id": "thinking", "value": "x"}]}}, "not supported"),
    ({"prompt": PROMPT, "model": {"id": "gpt-5.5", "params": [{"id": "fast", "value": True}]}}, "Expected string"),
    ({"prompt": {"text": "x [[sim:iterate]]"}}, "marker"),
    ({"prompt": {"text": "x [[sim:sucess]]"}}, "marker"),
]


@pytest.mark.parametrize(("body", "said"), WRONG, ids=[said for _, said in WRONG])
async def test_wrong_bodies_are_refused_and_create_nothing(sim: Sim, body: dict[str, Any], said: str) -> None:
    response = await sim.call("POST", "/v1/agents", body)
    check("POST", "/v1/agents", response)
    assert (response.status_code, error_code(response)) == (400, "validation_error")
    assert said in response.json()["error"]["message"]
    assert (await sim.ledger())["agents"] == []


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "missing_body"),
        (b"  ", "missing_body"),
        (b"{", "validation_error"),
        (b"[]", "validation_error"),
        (b'{"prompt": NaN}', "validation_error"),
        (b"[" * 100_000, "validation_error"),
        (b"\xff\xfe", "validation_error"),
    ],
)
async def test_bodies_that_are_no_object(sim: Sim, raw: bytes, code: str) -> None:
    response = await sim.http.post("/v1/agents", content=raw)
    check("POST", "/v1/agents", response)
    assert (response.status_code, error_code(response)) == (400, code)


async def test_an_unknown_model_has_one_code_on_create_and_another_on_follow_up(sim: Sim) -> None:
    body = {"prompt": PROMPT, "model": {"id": "gpt-1"}}
    assert error_code(await sim.call("POST", "/v1/agents", body)) == "invalid_model"
    agent_id = (await sim.create())["agent"]["id"]
    sim.clock.advance(30)
    refused = await sim.follow_up(agent_id, model={"id": "gpt-1"})
    assert (refused.status_code, error_code(refused)) == (400, "validation_error")
    assert (await sim.follow_up(agent_id, model={"id": "composer"})).status_code == 201


async def test_a_pull_request_must_be_one(sim: Sim) -> None:
    body = {"prompt": PROMPT, "repos": [{"url": REPO, "prUrl": f"{REPO}/issues/1"}]}
    assert error_code(await sim.call("POST", "/v1/agents", body)) == "pr_resolution_failed"


async def test_half_a_surrogate_pair_is_sent_back_as_it_came(sim: Sim) -> None:
    created = await sim.http.post("/v1/agents", content=b'{"prompt": {"text": "half \\ud800"}, "name": "\\ud800"}')
    assert created.json()["agent"]["name"] == "\ud800"
    assert await sim.finished(created.json())


async def test_a_run_can_start_from_a_branch_that_was_pushed(sim: Sim) -> None:
    first = await sim.create()
    branch = (await sim.finished(first))["git"]["branches"][0]["branch"]
    second = await sim.create(repos=[{"url": REPO, "startingRef": branch}])
    assert second["agent"]["repos"][0]["startingRef"] == branch


async def test_working_on_the_branch_of_a_pull_request(sim: Sim) -> None:
    first = await sim.create(autoCreatePR=True)
    made = (await sim.finished(first))["git"]["branches"][0]
    repos = [{"url": REPO, "prUrl": made["prUrl"]}]
    second = await sim.create(repos=repos, workOnCurrentBranch=True)
    assert (await sim.finished(second))["git"]["branches"] == [made]


async def test_working_on_a_pull_request_with_ones_own_number(sim: Sim) -> None:
    created = await sim.create(repos=[{"url": REPO, "prUrl": f"{REPO}/pull/101"}], workOnCurrentBranch=True)
    (branch,) = (await sim.finished(created))["git"]["branches"]
    assert branch["prUrl"] == f"{REPO}/pull/101"


async def test_agents_without_a_repository(sim: Sim) -> None:
    created = await sim.create(repos=[])
    run = await sim.finished(created)
    assert created["agent"]["repos"] == []
    assert run["status"] == "FINISHED"
    assert "git" not in run
