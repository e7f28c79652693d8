"""A simulator in this process with a clock that stands still, and the vendor's description of the API."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from openapi_schema_validator import OAS30Validator
from starlette.types import ASGIApp

from cursor_monitor.simulator.app import serve
from cursor_monitor.simulator.clock import ManualClock
from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.simulator import Simulator
from cursor_monitor.simulator.webhooks import Post

PROJECT = Path(__file__).resolve().parents[2]
CONTRACT = PROJECT / "../shared/reference/cursor-cloud-agents-openapi.yml"
REPO = "https://github.com/acme/shop"
AGENT = "bc-00000000-0000-4000-8000-0000000000aa"
Json = dict[str, Any]


@cache
def contract() -> Json:
    """The vendor's file, with what later and live observation added to it."""
    document = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    # The vendor's later page, and every live list, have a third agent status.
    document["components"]["schemas"]["AgentSummary"]["properties"]["status"]["enum"].append("IDLE")
    # A bad `limit` or `cursor` must be refused somehow; the file forgot the answer.
    bad = {"$ref": "#/components/responses/BadRequest"}
    document["paths"]["/v1/agents/{id}/runs"]["get"]["responses"]["400"] = bad
    # The file means the whole stream by "string"; the fuzzer would hold each single event against it.
    stream = document["paths"]["/v1/agents/{id}/runs/{runId}/stream"]["get"]["responses"]["200"]
    stream["content"]["text/event-stream"]["schema"] = {}
    return document


def check(method: str, route: str, response: httpx.Response) -> Any:
    """Hold an answer against the contract; returns its JSON."""
    described = contract()["paths"][route][method.lower()]["responses"]
    assert str(response.status_code) in described, (response.status_code, response.text)
    answer = resolve(described[str(response.status_code)])
    assert response.headers["content-type"].startswith("application/json")
    errors = violations(answer["content"]["application/json"]["schema"], response.json())
    assert not errors, errors
    return response.json()


def violations(schema: Json, value: object) -> list[str]:
    """What is wrong with a value, format checks included."""
    validator = OAS30Validator(
        copy.deepcopy(schema) | {"components": contract()["components"]},
        format_checker=OAS30Validator.FORMAT_CHECKER,
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def resolve(item: Json) -> Json:
    """Follow one reference."""
    if "$ref" not in item:
        return item
    found: Any = contract()
    for part in item["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


class Sim:
    """One simulator and a client of it."""

    def __init__(self, config: SimConfig | None = None, post: Post | None = None) -> None:
        self.clock = ManualClock()
        chosen = config or SimConfig(seed="test")
        extra = {"post": post} if post else {}
        self.simulator = Simulator(chosen, self.clock, **extra)
        self.app: ASGIApp = serve(self.simulator)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://sim.test",
            headers={"Authorization": "Bearer key"},
        )

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request; the body, if any, as JSON."""
        content = None if body is None else json.dumps(body).encode()
        return await self.http.request(method, path, content=content, headers=dict(headers or {}))

    async def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        response = await self.call("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    async def create(self, prompt: str = "Add a login page", **fields: object) -> Json:
        """A new agent, in the repository of all tests unless told otherwise."""
        body = {"prompt": {"text": prompt}, "repos": [{"url": REPO, "startingRef": "main"}]} | fields
        response = await self.call("POST", "/v1/agents", body)
        assert response.status_code == 201, response.text
        return response.json()

    async def follow_up(self, agent_id: str, prompt: str = "Go on", **fields: object) -> httpx.Response:
        """A further run."""
        return await self.call("POST", f"/v1/agents/{agent_id}/runs", {"prompt": {"text": prompt}} | fields)

    async def finished(self, created: Json) -> Json:
        """The run after long enough, in full."""
        self.clock.advance(30)
        return await self.run_of(created)

    async def run_of(self, created: Json) -> Json:
        """The run as it is now."""
        run = created["run"]
        return await self.get(f"/v1/agents/{run['agentId']}/runs/{run['id']}")

    async def fault(self, **rule: object) -> None:
        """Switch one fault on."""
        response = await self.call("POST", "/_sim/faults", rule)
        assert response.status_code == 200, response.text

    async def ledger(self) -> Json:
        """The whole ledger."""
        return await self.get("/_sim/ledger")


def report_in(text: str) -> Json:
    """The completion report at the end of a reply."""
    return json.loads(text.rpartition("```json\n")[2].removesuffix("```"))


def error_code(response: httpx.Response) -> str:
    """The code of a v1 refusal."""
    return response.json()["error"]["code"]
