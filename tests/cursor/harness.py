"""The real client on a scripted wire, and the vendor's own description to measure bodies against."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from cursor_monitor.cursor.client import build_client

BASE_URL = "https://api.cursor.test"
KEY = "crsr_0123456789abcdef_very-secret"
NOW = datetime(2026, 10, 20, 12, 0, tzinfo=UTC)
AGENT_ID = "bc-00000000-0000-0000-0000-000000000001"
RUN_ID = "run-00000000-0000-0000-0000-000000000001"
OPENAPI = Path(__file__).parents[3] / "shared/reference/cursor-cloud-agents-openapi.yml"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeWire:
    """Records each request and each pause; plays the scripted answers, the last one again and again."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self._answers: list[Answer] = []
        self.client = build_client(
            BASE_URL,
            KEY,
            transport=httpx.MockTransport(self._play),
            sleep=self._pause,
            random=lambda: 0.5,
            now=lambda: NOW,
        )

    def answers(self, *answers: Answer) -> None:
        self._answers = list(answers)

    @property
    def sent(self) -> httpx.Request:
        return self.requests[-1]

    @property
    def sent_body(self) -> Any:
        return json.loads(self.sent.content)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def _play(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer


def refusal(
    status: int, code: str, message: str = "no", *, headers: dict[str, str] | None = None, **detail: Any
) -> httpx.Response:
    """An error in the v1 envelope."""
    return httpx.Response(status, json={"error": {"code": code, "message": message, **detail}}, headers=headers)


def agent_json(**changes: Any) -> dict[str, Any]:
    return {
        "id": AGENT_ID,
        "name": "Add a README",
        "status": "ACTIVE",
        "env": {"type": "cloud"},
        "url": f"https://cursor.com/agents/{AGENT_ID}",
        "createdAt": "2026-10-20T11:00:00.000Z",
        "updatedAt": "2026-10-20T11:00:01.500Z",
        "latestRunId": RUN_ID,
        "repos": [{"url": "https://github.com/acme/shop", "startingRef": "main"}],
        **changes,
    }


def run_json(**changes: Any) -> dict[str, Any]:
    return {
        "id": RUN_ID,
        "agentId": AGENT_ID,
        "status": "RUNNING",
        "createdAt": "2026-10-20T11:00:00.000Z",
        "updatedAt": "2026-10-20T11:00:01.000Z",
        **changes,
    }


@functools.cache
def openapi() -> dict[str, Any]:
    """The vendor's description of v1; it has no licence, so it lives beside the project, not in it."""
    if not OPENAPI.exists():
        pytest.skip("the vendor's OpenAPI file is not beside the project")
    return yaml.safe_load(OPENAPI.read_text())


def violations(schema: str, body: Any) -> list[str]:
    """What the vendor's schema of this name objects to in a body."""
    document = openapi()
    validator = OAS30Validator({"$ref": f"#/components/schemas/{schema}", "components": document["components"]})
    return [error.message for error in validator.iter_errors(body)]
