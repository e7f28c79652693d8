"""Health, probes, and a database that goes away and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import VERSION, Settings
from cursor_monitor.store import heartbeats
from cursor_monitor.store.database import transaction
from cursor_monitor.store.embedded import EmbeddedPostgres

from .client import Client
from .conftest import API, LAUNCH, ask, client_of, rows_in

COMPONENTS = {"database", "worker", "outbox", "redis", "cursor_api", "code_host", "accounts"}
HEALTH = f"{API}/health"


def beat(**cursor_api: str) -> None:
    with transaction() as session:
        details = {"interval_seconds": 15, "host": "secret-host", "cursor_api": cursor_api}
        heartbeats.record(session, service="worker", instance="secret-host:1", kind="heartbeat", details=details)


def test_each_part_has_a_status_and_facts(client: Client) -> None:
    beat(ok_at="2026-01-01T00:00:00+00:00")
    answer = client.get(HEALTH)
    health = answer.json()
    assert (answer.status_code, health["status"], health["version"]) == (200, "ok", VERSION)
    assert health["components"].keys() == COMPONENTS
    assert all(part["status"] for part in health["components"].values())
    assert health["components"]["worker"]["heartbeat_age_seconds"] < 60
    assert health["components"]["outbox"]["depth"] == 0
    assert health["components"]["cursor_api"]["ok_at"] == "2026-01-01T00:00:00Z"


def test_health_tells_no_host_and_no_message_of_others(client: Client) -> None:
    beat(error_at="2026-01-01T00:00:00+00:00", error_message="https://internal.example refused key_abc")
    answer = client.get(HEALTH)
    assert answer.json()["components"]["cursor_api"]["status"] == "degraded"
    assert "secret-host" not in answer.text
    assert "internal.example" not in answer.text


def test_no_worker_is_degraded_not_down(client: Client) -> None:
    answer = client.get(HEALTH)
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["components"]["worker"]["status"] == "down"


def test_heartbeats_are_listed_newest_first(client: Client) -> None:
    for _ in range(3):
        beat()
    first = client.get(f"{HEALTH}/events", params={"limit": 2, "service": "worker"}).json()
    rest = client.get(f"{HEALTH}/events", params={"cursor": first["next_cursor"]}).json()
    ids = [event["id"] for event in first["items"] + rest["items"]]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)


def test_the_probes(client: Client) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    away = client.get("/readyz?worker")
    assert (away.status_code, away.json()["error"]["code"]) == (503, "worker_away")
    beat()
    assert client.get("/readyz?worker").json() == {"status": "ready"}


def test_a_newer_database_is_not_ready(client: Client, make_database: Callable[[], str]) -> None:
    newer = make_database()
    ask(newer, "INSERT INTO schema_version (version) VALUES (999) RETURNING version")
    open_all(Settings(database_url=newer))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "schema_mismatch")


def test_an_empty_database_is_not_ready(server: EmbeddedPostgres) -> None:
    open_all(Settings(database_url=server.url))
    try:
        answer = client_of().get("/readyz")
        assert (answer.status_code, "no schema" in answer.json()["error"]["message"]) == (503, True)
    finally:
        close_all()


@pytest.fixture
def stopped(client: Client, database: str, server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    assert client.post(f"{API}/orchestrations", json=LAUNCH).status_code == 202
    server.stop()
    yield server
    server.start()


def test_without_the_database_everything_says_so_and_comes_back_by_itself(
    client: Client, database: str, stopped: EmbeddedPostgres
) -> None:
    health = client.get(HEALTH)
    assert (health.status_code, health.json()["status"]) == (503, "down")
    assert health.json()["components"].keys() == COMPONENTS
    assert health.json()["components"]["database"]["status"] == "down"
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200
    for answer in (
        client.post(f"{API}/orchestrations", json=LAUNCH),
        client.post(f"{API}/agents", json=LAUNCH),
        client.get(f"{API}/orchestrations"),
        client.get(f"{API}/orchestrations/01900000-0000-7000-8000-000000000000/events/stream"),
        client.get(f"{API}/models"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert str(stopped.socket_dir) not in answer.text
    stopped.start()
    assert rows_in(database)["orchestrations"] == 1
    assert client.get(HEALTH).status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.post(f"{API}/orchestrations", json=LAUNCH).status_code == 202


def test_a_database_that_was_never_there(client: Client) -> None:
    open_all(Settings(database_url="postgresql://nobody@127.0.0.1:9/none"))
    assert client.get(HEALTH).status_code == 503
    answer = client.post(f"{API}/orchestrations", json=LAUNCH)
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text
