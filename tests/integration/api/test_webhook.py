"""Webhooks: only what Cursor signed, once, and only as a hint to look."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cursor_monitor.cursor.webhooks import sign
from cursor_monitor.services import agents
from cursor_monitor.services.startup import open_all
from cursor_monitor.settings import Settings

from .client import Client
from .conftest import API, LAUNCH, ask, rows_in

PATH = f"{API}/webhook"
SECRET = "a-secret-of-more-than-thirty-two-characters"


@pytest.fixture
def agent_id(database: str) -> str:
    """An agent at work whose next look is an hour away."""
    open_all(Settings(database_url=database, cursor_webhook_secret=SECRET))
    made = agents.launch(LAUNCH, by="test")
    ask(database, "DELETE FROM orchestration_outbox_jobs RETURNING id")
    ask(database, "UPDATE agents SET launch_status = 'launched', run_status = 'RUNNING' RETURNING id")
    return made


@pytest.fixture
def deliver(client: Client) -> Callable[..., httpx.Response]:
    def send(body: bytes, signature: str | None = None) -> httpx.Response:
        headers = {"X-Webhook-Signature": (sign(body, SECRET) if signature is None else signature).encode()}
        return client.post(PATH, content=body, headers=headers)

    return send


def a_body(agent_id: str, *, age: float = 1.0, **changes: Any) -> bytes:
    sent = datetime.now(UTC) - timedelta(seconds=age)
    said = {"event": "statusChange", "timestamp": sent.isoformat(), "id": agent_id, "status": "FINISHED", **changes}
    return json.dumps(said).encode()


def hints(database: str) -> list[tuple[Any, ...]]:
    return ask(database, "SELECT kind, agent_id FROM orchestration_outbox_jobs ORDER BY id")


def test_a_genuine_delivery_is_kept_and_makes_a_worker_look(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str
) -> None:
    answer = deliver(a_body(agent_id))
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    assert hints(database) == [("observe_agent", agent_id)]
    assert ask(database, "SELECT agent_id, status FROM webhook_deliveries") == [(agent_id, "FINISHED")]
    assert ask(database, "SELECT run_status FROM agents") == [("RUNNING",)], "what it says is not taken for the truth"


def test_the_same_body_counts_once(deliver: Callable[..., httpx.Response], agent_id: str, database: str) -> None:
    body = a_body(agent_id)
    deliver(body)
    ask(database, "DELETE FROM orchestration_outbox_jobs RETURNING id")
    assert deliver(body).json() == {"status": "duplicate"}
    assert hints(database) == []


def test_an_older_one_after_a_newer_changes_nothing(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str
) -> None:
    deliver(a_body(agent_id, age=1))
    ask(database, "DELETE FROM orchestration_outbox_jobs RETURNING id")
    assert deliver(a_body(agent_id, age=60, status="ERROR")).json() == {"status": "outdated"}
    assert hints(database) == []


def test_nor_does_one_from_before_the_end_that_was_seen(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str
) -> None:
    ask(database, "UPDATE agents SET run_status = 'FINISHED', observed_at = now() RETURNING id")
    assert deliver(a_body(agent_id, age=30)).json() == {"status": "outdated"}
    assert hints(database) == []


def test_an_agent_that_nobody_knows_is_asked_for(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str
) -> None:
    assert deliver(a_body("bc-from-elsewhere")).json() == {"status": "accepted"}
    assert hints(database) == [("discover_agent", "bc-from-elsewhere")]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (lambda body: (body, sign(body, "another-secret")), 401, "bad_signature"),
        (lambda body: (body + b" ", sign(body, SECRET)), 401, "bad_signature"),
        (lambda body: (body, ""), 401, "bad_signature"),
        (lambda body: (body, "sha256=é"), 401, "bad_signature"),
        (lambda body: (b"[]", sign(b"[]", SECRET)), 422, "validation_error"),
        (lambda body: (b"\xff", sign(b"\xff", SECRET)), 422, "validation_error"),
    ],
)
def test_what_is_not_genuine_leaves_nothing(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str, change: Any, status: int, code: str
) -> None:
    before = rows_in(database)
    body, signature = change(a_body(agent_id))
    answer = deliver(body, signature)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert rows_in(database) == before


@pytest.mark.parametrize("age", [16 * 60, -5 * 60])
def test_what_is_not_fresh_is_refused(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str, age: float
) -> None:
    answer = deliver(a_body(agent_id, age=age))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "stale")
    assert hints(database) == []


def test_without_a_secret_everything_is_refused(
    deliver: Callable[..., httpx.Response], agent_id: str, database: str
) -> None:
    open_all(Settings(database_url=database))
    body = a_body(agent_id)
    for signature in (sign(body, ""), sign(body, SECRET), ""):
        answer = deliver(body, signature)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_secret")
    assert rows_in(database)["webhook_deliveries"] == 0


def test_a_body_without_end_is_cut_off(deliver: Callable[..., httpx.Response], agent_id: str) -> None:
    assert deliver(a_body(agent_id, summary="x" * 1_000_001)).status_code == 413


def test_odd_characters_are_stored_safely(deliver: Callable[..., httpx.Response], agent_id: str, database: str) -> None:
    assert deliver(a_body("bc-\0\ud800" + "x" * 500, status="\0")).json() == {"status": "accepted"}
    assert len(ask(database, "SELECT agent_id FROM webhook_deliveries")[0][0]) <= 200
