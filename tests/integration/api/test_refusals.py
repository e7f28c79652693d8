"""What cannot be used is refused with the field and the mend, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.queries.page import encode_cursor
from cursor_monitor.store import cache
from cursor_monitor.store.database import transaction

from .client import Client
from .conftest import API, LAUNCH, rows_in

ORCHESTRATIONS = f"{API}/orchestrations"
AGENTS = f"{API}/agents"
CYCLE = [
    {"key": "a", "prompt": "A", "depends_on": ["b"]},
    {"key": "b", "prompt": "B", "depends_on": ["a"]},
]


@pytest.fixture(autouse=True)
def _nothing_is_written(database: str) -> Any:
    yield
    assert set(rows_in(database).values()) == {0}


REFUSED = [
    ({"prompt": None}, "prompt", "required|string|is empty"),
    ({"prompt": ""}, "prompt", "empty"),
    ({"prompt": " \n"}, "prompt", "empty"),
    ({"prompt": "x" * 100_001}, "prompt", "at most 100,000"),
    ({"prompt": 7}, "prompt", "must be a string"),
    ({"prompt": "a\x00b"}, "prompt", "NUL"),
    ({"repository": "not a repository"}, "repository", "owner/repo"),
    ({"repository": "http://example.com"}, "repository", "owner/repo"),
    ({"repository": "javascript:alert(1)"}, "repository", "owner/repo"),
    ({"mode": "SWARM"}, "mode", "must be one of SINGLE_AGENT"),
    ({"mode": "BATCH"}, "tasks", "BATCH needs tasks"),
    ({"model": "nobody-knows"}, "model", "use one of sim-large"),
    ({"ref": "a b"}, "ref", "branch or a commit"),
    ({"colour": "red"}, "colour", "not a field"),
    ({"options": {"speed": 11}}, "options.speed", "not a field"),
    ({"options": {"max_iterations": 0}}, "options.max_iterations", "1 to 100"),
    ({"options": {"max_iterations": "3"}}, "options.max_iterations", "whole number"),
    ({"options": {"max_iterations": True}}, "options.max_iterations", "whole number"),
    ({"options": {"max_parallel_agents": 51}}, "options.max_parallel_agents", "1 to 50"),
    ({"options": {"quality_threshold": 101}}, "options.quality_threshold", "0 to 100"),
    ({"options": {"timeout_hours": 0}}, "options.timeout_hours", "above 0"),
    ({"options": {"auto_create_pr": "yes"}}, "options.auto_create_pr", "true or false"),
    ({"options": {"budget_cents": 0}}, "options.budget_cents", "from 1 to"),
    ({"options": {"reviewer": []}}, "options.reviewer", "the name of a model"),
    ({"options": []}, "options", "must be an object"),
    ({"mode": "AUTO", "tasks": [{"key": "a"}]}, "tasks[0].prompt", "required"),
    ({"mode": "AUTO", "tasks": ["do it"]}, "tasks[0]", "must be an object"),
    ({"mode": "AUTO", "tasks": [{"prompt": "A", "depends_on": "b"}]}, "tasks[0].depends_on", "must be a list"),
    ({"mode": "AUTO", "tasks": CYCLE}, "tasks[0].depends_on", "break the circle"),
]


@pytest.mark.parametrize(("change", "field", "mend"), REFUSED, ids=[f"{f}-{i}" for i, (_, f, _m) in enumerate(REFUSED)])
def test_a_value_that_cannot_be_used(client: Client, change: dict[str, Any], field: str, mend: str) -> None:
    with transaction() as session:
        cache.put(session, "models", [{"id": "sim-large", "name": "Large"}])
    answer = client.post(ORCHESTRATIONS, json={**LAUNCH, **change})
    error = answer.json()["error"]
    assert answer.status_code == 422
    assert error["code"] == "validation_error"
    assert error["details"]["field"] == field
    assert error["message"].startswith(f"{field}: ")
    assert any(part in error["message"] for part in mend.split("|"))


# What may come from elsewhere, a pull request or a list, a template, is not required by the shape alone.
_MISSING = {
    (AGENTS, "repository"): "repository: must be owner/repo",
    (ORCHESTRATIONS, "prompt"): "prompt: is empty; say what is to be done",
}


@pytest.mark.parametrize("field", ["prompt", "repository"])
@pytest.mark.parametrize("path", [ORCHESTRATIONS, AGENTS])
def test_a_missing_field(client: Client, path: str, field: str) -> None:
    answer = client.post(path, json={name: value for name, value in LAUNCH.items() if name != field})
    said = _MISSING.get((path, field), f"{field}: is required")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(said)


def test_every_wrong_field_is_listed_at_once(client: Client) -> None:
    answer = client.post(ORCHESTRATIONS, json={"prompt": 1, "repository": 2, "x": 3})
    fields = [problem["field"] for problem in answer.json()["error"]["details"]["problems"]]
    assert sorted(fields) == ["prompt", "repository", "x"]


@pytest.mark.parametrize("change", [{"prompt": ""}, {"repository": "nowhere"}, {"auto_create_pr": 1}, {"mode": "AUTO"}])
def test_an_agent_is_checked_alike(client: Client, change: dict[str, Any]) -> None:
    answer = client.post(AGENTS, json={**LAUNCH, **change})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["field"] == next(iter(change))


MALFORMED = {
    "cut": b'{"prompt": "a',
    "words": b"prompt=a",
    "bytes": b"\xff\xfe{}",
    "deep": b"[" * 200_000,
    "digits": b'{"prompt": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_body_that_is_not_json(client: Client, body: bytes) -> None:
    answer = client.post(ORCHESTRATIONS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b""])
def test_a_body_that_is_no_object(client: Client, body: bytes) -> None:
    answer = client.post(ORCHESTRATIONS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["field"] == "body"


def test_no_number_is_infinite(client: Client) -> None:
    body = b'{"prompt": "a", "repository": "a/b", "options": {"timeout_hours": NaN}}'
    answer = client.post(ORCHESTRATIONS, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["error"]["message"] == "options.timeout_hours: must be a finite number"


def test_half_a_surrogate_pair_is_no_text(client: Client) -> None:
    body = b'{"prompt": "\\ud800", "repository": "a/b"}'
    answer = client.post(ORCHESTRATIONS, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "prompt")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_another_content_type(client: Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post(ORCHESTRATIONS, content=b'{"prompt": "a", "repository": "a/b"}', headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["error"]["message"]


def test_ten_megabytes(client: Client) -> None:
    answer = client.post(ORCHESTRATIONS, json={**LAUNCH, "prompt": "x" * 10_000_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert "1 MB" in answer.json()["error"]["message"]


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_an_idempotency_key_of_the_wrong_length(client: Client, key: str) -> None:
    answer = client.post(ORCHESTRATIONS, json=LAUNCH, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["field"].lower() == "idempotency-key"


FILTERS = [
    (f"{ORCHESTRATIONS}?status=nope", "status"),
    (f"{ORCHESTRATIONS}?mode=nope", "mode"),
    (f"{ORCHESTRATIONS}?limit=0", "limit"),
    (f"{ORCHESTRATIONS}?limit=201", "limit"),
    (f"{ORCHESTRATIONS}?limit=ten", "limit"),
    (f"{ORCHESTRATIONS}?cursor=made-up", "cursor"),
    (f"{ORCHESTRATIONS}?q=%00", "q"),
    (f"{AGENTS}?status=nope", "status"),
    (f"{AGENTS}?cursor=made-up", "cursor"),
    (f"{AGENTS}?cursor={encode_cursor('0001-01-01T00:00:00+14:00', 'a')}", "cursor"),
    (f"{AGENTS}?cursor={encode_cursor('2026-01-01T00:00:00Z', 'a' + chr(0))}", "cursor"),
    (f"{API}/health/events?cursor=x", "cursor"),
    (f"{API}/health/events?limit=0", "limit"),
]


@pytest.mark.parametrize(("path", "field"), FILTERS, ids=[p.removeprefix(API) for p, _ in FILTERS])
def test_a_parameter_that_cannot_be_used(client: Client, path: str, field: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)


UNKNOWN = "01900000-0000-7000-8000-000000000000"
ABSENT = [
    ("GET", f"/orchestrations/{UNKNOWN}"),
    ("GET", "/orchestrations/what"),
    ("GET", f"/orchestrations/{UNKNOWN}/tasks"),
    ("GET", f"/orchestrations/{UNKNOWN}/events"),
    ("GET", f"/orchestrations/{UNKNOWN}/events/stream"),
    ("POST", f"/orchestrations/{UNKNOWN}/pause"),
    ("POST", "/orchestrations/what/cancel"),
    ("POST", f"/orchestrations/{UNKNOWN}/tasks/task-1/retry"),
    ("GET", "/agents/bc-none"),
    ("POST", "/agents/bc-none/stop"),
    ("GET", "/agents/a%0Ab"),
    ("POST", f"/orchestrations/{UNKNOWN}/tasks/a%0A/skip"),
    ("GET", "/nothing/here"),
    ("GET", "/orchestrations/"),
]


@pytest.mark.parametrize(("method", "path"), ABSENT, ids=[" ".join(pair) for pair in ABSENT])
def test_what_is_not_there(client: Client, method: str, path: str) -> None:
    answer = client.request(method, API + path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/other"])
def test_the_rest_of_api_answers_json_too(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_method_that_an_address_does_not_take(client: Client) -> None:
    answer = client.request("PUT", ORCHESTRATIONS, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"]
