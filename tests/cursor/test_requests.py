"""What the client puts on the wire."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable

import httpx
import pytest

from cursor_monitor.cursor.api import AgentSpec, Image, RepositorySpec
from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.cursor.errors import Permanent
from tests.cursor.harness import AGENT_ID, KEY, RUN_ID, FakeWire, agent_json, openapi, run_json, violations

A = f"/v1/agents/{AGENT_ID}"
R = f"{A}/runs/{RUN_ID}"
IDENT = {"id": AGENT_ID}
PAGE = {"items": []}

Call = Callable[[HttpCursorApi], Awaitable[object]]

CALLS: list[tuple[str, Call, object, str, str]] = [
    ("get_agent", lambda c: c.get_agent(AGENT_ID), agent_json(), "GET", A),
    ("list_agents", lambda c: c.list_agents(), PAGE, "GET", "/v1/agents?limit=100&includeArchived=true"),
    (
        "list_agents page",
        lambda c: c.list_agents(5, "x/y=", False),
        PAGE,
        "GET",
        "/v1/agents?limit=5&cursor=x%2Fy%3D&includeArchived=false",
    ),
    ("delete_agent", lambda c: c.delete_agent(AGENT_ID), IDENT, "DELETE", A),
    ("archive_agent", lambda c: c.archive_agent(AGENT_ID), IDENT, "POST", f"{A}/archive"),
    ("unarchive_agent", lambda c: c.unarchive_agent(AGENT_ID), IDENT, "POST", f"{A}/unarchive"),
    ("create_run", lambda c: c.create_run(AGENT_ID, "x"), {"run": run_json()}, "POST", f"{A}/runs"),
    ("list_runs", lambda c: c.list_runs(AGENT_ID), PAGE, "GET", f"{A}/runs?limit=20"),
    ("get_run", lambda c: c.get_run(AGENT_ID, RUN_ID), run_json(), "GET", R),
    ("cancel_run", lambda c: c.cancel_run(AGENT_ID, RUN_ID), {"id": RUN_ID}, "POST", f"{R}/cancel"),
    ("get_usage", lambda c: c.get_usage(AGENT_ID), {"runs": []}, "GET", f"{A}/usage"),
    (
        "get_usage of a run",
        lambda c: c.get_usage(AGENT_ID, RUN_ID),
        {"runs": []},
        "GET",
        f"{A}/usage?runId={RUN_ID}",
    ),
    ("list_artifacts", lambda c: c.list_artifacts(AGENT_ID), PAGE, "GET", f"{A}/artifacts"),
    (
        "artifact_url",
        lambda c: c.artifact_url(AGENT_ID, "artifacts/a b.png"),
        {"url": "https://s3.test/x", "expiresAt": "2026-10-20T12:15:00.000Z"},
        "GET",
        f"{A}/artifacts/download?path=artifacts%2Fa+b.png",
    ),
    ("get_me", lambda c: c.get_me(), {"apiKeyName": "k"}, "GET", "/v1/me"),
    ("list_models", lambda c: c.list_models(), PAGE, "GET", "/v1/models"),
    ("list_repositories", lambda c: c.list_repositories(), PAGE, "GET", "/v1/repositories"),
    (
        "get_conversation",
        lambda c: c.get_conversation(AGENT_ID),
        {"messages": []},
        "GET",
        f"/v0/agents/{AGENT_ID}/conversation",
    ),
]


@pytest.mark.parametrize(("name", "call", "answer", "method", "target"), CALLS, ids=[c[0] for c in CALLS])
async def test_each_call_has_its_method_and_path(
    wire: FakeWire, name: str, call: Call, answer: object, method: str, target: str
) -> None:
    wire.answers(httpx.Response(200, json=answer))
    await call(wire.client)
    assert (wire.sent.method, wire.sent.url.raw_path.decode()) == (method, target)
    assert wire.sent.headers["Authorization"] == "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
    assert len(wire.requests) == 1


@pytest.mark.earlier("R-06")
def test_every_v1_path_is_in_the_vendors_description() -> None:
    described = {(method.upper(), path) for path, item in openapi()["paths"].items() for method in item}
    for _, _, _, method, target in CALLS:
        path = target.partition("?")[0].replace(AGENT_ID, "{id}").replace(RUN_ID, "{runId}")
        assert (method, path) in described or path.startswith("/v0/")


FULL = AgentSpec(
    agent_id=AGENT_ID,
    prompt='Fix "it"\n\tü 🙂',
    repository="https://github.com/acme/shop",
    ref="main",
    model="composer-2",
    model_params=(("thinking", "high"),),
    name="Fix it",
    auto_create_pr=True,
    mode="plan",
    more_repositories=(RepositorySpec("https://github.com/acme/api", pr_url="https://github.com/acme/api/pull/5"),),
    images=(Image(data=b"\x89PNG", mime_type="image/png"), Image(url="https://example.com/a.png")),
    skip_reviewer_request=True,
    work_on_current_branch=True,
)


@pytest.mark.parametrize(
    "spec", [FULL, AgentSpec(AGENT_ID, "x", None), AgentSpec(AGENT_ID, "x", "https://github.com/a/b")]
)
async def test_create_body_fits_the_vendors_schema(wire: FakeWire, spec: AgentSpec) -> None:
    wire.answers(httpx.Response(201, json={"agent": agent_json(), "run": run_json()}))
    await wire.client.create_agent(spec)
    assert violations("CreateAgentRequest", wire.sent_body) == []


async def test_follow_up_body_with_pictures_fits_the_vendors_schema(wire: FakeWire) -> None:
    wire.answers(httpx.Response(201, json={"run": run_json()}))
    await wire.client.create_run(AGENT_ID, "And this?", mode="plan", images=FULL.images)
    assert violations("CreateRunRequest", wire.sent_body) == []
    assert [sorted(image) for image in wire.sent_body["prompt"]["images"]] == [["data", "mimeType"], ["url"]]


def test_the_vendors_schema_does_object() -> None:
    assert violations("CreateAgentRequest", {"prompt": {"text": ""}, "agentId": "bc-1", "mode": "x"})
    assert violations("CreateRunRequest", {})


async def test_create_body_says_all_that_was_asked(wire: FakeWire) -> None:
    wire.answers(httpx.Response(201, json={"agent": agent_json(), "run": run_json()}))
    await wire.client.create_agent(FULL)
    assert wire.sent_body == {
        "agentId": AGENT_ID,
        "prompt": {
            "text": 'Fix "it"\n\tü 🙂',
            "images": [{"data": "iVBORw==", "mimeType": "image/png"}, {"url": "https://example.com/a.png"}],
        },
        "mode": "plan",
        "name": "Fix it",
        "model": {"id": "composer-2", "params": [{"id": "thinking", "value": "high"}]},
        "repos": [
            {"url": "https://github.com/acme/shop", "startingRef": "main"},
            {"url": "https://github.com/acme/api", "prUrl": "https://github.com/acme/api/pull/5"},
        ],
        "autoCreatePR": True,
        "skipReviewerRequest": True,
        "workOnCurrentBranch": True,
    }


async def test_an_agent_without_repository_asks_for_none(wire: FakeWire) -> None:
    wire.answers(httpx.Response(201, json={"agent": agent_json(), "run": run_json()}))
    await wire.client.create_agent(AgentSpec(AGENT_ID, "x", None, ref="main", auto_create_pr=True))
    assert wire.sent_body == {"agentId": AGENT_ID, "prompt": {"text": "x"}, "mode": "agent"}


async def test_follow_up_body_fits_the_vendors_schema(wire: FakeWire) -> None:
    wire.answers(httpx.Response(201, json={"run": run_json()}))
    await wire.client.create_run(AGENT_ID, "Go on", mode="agent", model="composer-2")
    assert violations("CreateRunRequest", wire.sent_body) == []
    assert wire.sent_body == {"prompt": {"text": "Go on"}, "mode": "agent", "model": {"id": "composer-2"}}


async def test_a_prompt_with_half_a_surrogate_still_goes_out(wire: FakeWire) -> None:
    wire.answers(httpx.Response(201, json={"run": run_json()}))
    await wire.client.create_run(AGENT_ID, "bad \ud83d end")
    assert wire.sent_body["prompt"]["text"] == "bad \ud83d end"


@pytest.mark.parametrize(("agent_id", "path"), [("a/b?c#d", "a%2Fb%3Fc%23d"), ("a..b", "a..b"), ("ü", "%C3%BC")])
async def test_an_id_stays_one_path_segment(wire: FakeWire, agent_id: str, path: str) -> None:
    wire.answers(httpx.Response(200, json=agent_json()))
    await wire.client.get_agent(agent_id)
    assert wire.sent.url.raw_path.decode() == f"/v1/agents/{path}"


@pytest.mark.parametrize("agent_id", ["", ".", ".."])
async def test_an_id_that_would_change_the_path_is_refused_unsent(wire: FakeWire, agent_id: str) -> None:
    with pytest.raises(Permanent) as caught:
        await wire.client.delete_agent(agent_id)
    assert caught.value.kind == "input"
    assert wire.requests == []


@pytest.mark.parametrize(
    ("call", "answer", "read_seconds"),
    [
        (lambda c: c.create_agent(FULL), {"agent": agent_json(), "run": run_json()}, 120.0),
        (lambda c: c.create_run(AGENT_ID, "x"), {"run": run_json()}, 120.0),
        (lambda c: c.list_repositories(), PAGE, 120.0),
        (lambda c: c.get_run(AGENT_ID, RUN_ID), run_json(), 30.0),
        (lambda c: c.cancel_run(AGENT_ID, RUN_ID), IDENT, 30.0),
    ],
)
async def test_slow_calls_get_more_time(wire: FakeWire, call: Call, answer: object, read_seconds: float) -> None:
    wire.answers(httpx.Response(200, json=answer))
    await call(wire.client)
    timeout = wire.sent.extensions["timeout"]
    assert (timeout["connect"], timeout["read"]) == (10.0, read_seconds)


async def test_a_base_url_may_have_a_path() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json={"apiKeyName": "k"})

    client = build_client("http://gateway.test:8080/cursor/", KEY, transport=httpx.MockTransport(answer))
    await client.get_me()
    await client.aclose()
    assert seen == ["http://gateway.test:8080/cursor/v1/me"]
