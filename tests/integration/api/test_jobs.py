"""The outbox over HTTP: looked through, and changed only where it makes sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cursor_monitor.domain.jobs import ClaimedJob, JobKind, LeaseLost, NewJob
from cursor_monitor.store import claims, jobs
from cursor_monitor.store.database import transaction
from cursor_monitor.store.jobs import Settlement
from tests.support.postgres import ask

from .client import Client
from .conftest import API

PATH = f"{API}/jobs"


def enqueue(**fields: Any) -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind.OBSERVE_AGENT, **fields)])


def claim(room: int = 1) -> list[ClaimedJob]:
    with transaction() as session:
        return claims.claim(session, worker="w", kinds=list(JobKind), room=room, lease_seconds=30)


def fail(count: int, **fields: Any) -> list[int]:
    for _ in range(count):
        enqueue(**fields)
    claimed = claim(count)
    with transaction() as session:
        jobs.settle(session, [Settlement(job, "failed", error="no answer") for job in claimed])
    return sorted(job.id for job in claimed)


def only(client: Client) -> dict[str, Any]:
    (line,) = client.get(PATH).json()["items"]
    return client.get(f"{PATH}/{line['id']}").json()


def act(client: Client, job_id: int, action: str) -> int:
    return client.post(f"{PATH}/{job_id}/{action}").status_code


def test_a_job_is_shown_whole_and_without_secrets(client: Client) -> None:
    enqueue(args={"run_id": "r", "deep": [{"api_key": "crsr_1"}]}, dedupe_key="k", agent_id="bc-1")
    (claimed,) = claim()
    shown = only(client)
    assert (shown["status"], shown["leased_by"], shown["attempts"]) == ("processing", "w", 1)
    assert (shown["dedupe_key"], shown["agent_id"], shown["waiting_for"]) == ("k", "bc-1", None)
    assert shown["args"] == {"run_id": "r", "deep": [{"api_key": "•••"}]}
    with transaction() as session:
        jobs.settle(session, [Settlement(claimed, "pending", delay=60, error="no answer")])
    shown = only(client)
    assert (shown["status"], shown["waiting_for"], shown["error"]) == ("pending", "retry", "no answer")
    assert [(e["attempt"], e["worker"], e["error"]) for e in shown["errors"]] == [(1, "w", "no answer")]
    assert client.get(f"{PATH}/999999999").status_code == 404


def test_pages_and_filters(client: Client) -> None:
    failed = fail(2)
    for priority in (0, 0, -1):
        enqueue(priority=priority)
    first = client.get(PATH, params={"limit": 3}).json()
    second = client.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [j["waiting_for"] for j in first["items"]] == ["bulk_slot", "worker", "worker"]
    assert [j["id"] for j in second["items"]] == failed[::-1]
    assert second["next_cursor"] is None
    assert [j["id"] for j in client.get(PATH, params={"status": "failed"}).json()["items"]] == failed[::-1]
    assert len(client.get(PATH, params={"kind": "observe_agent"}).json()["items"]) == 5
    assert client.get(PATH, params={"kind": "advance"}).json()["items"] == []


def test_a_dead_letter_is_tried_again_with_all_its_attempts(client: Client) -> None:
    (dead,) = fail(1, max_attempts=1)
    assert only(client)["controls"] == ["retry", "discard"]
    assert act(client, dead, "retry") == 200
    assert act(client, dead, "retry") == 409
    (again,) = claim()
    assert (again.id, again.attempt) == (dead, 1)
    assert only(client)["errors"][0]["error"] == "no answer"


def test_a_dead_letter_is_not_tried_again_beside_its_successor(client: Client) -> None:
    older, newer = fail(1, dedupe_key="k") + fail(1, dedupe_key="k")
    assert act(client, older, "retry") == 409
    assert act(client, newer, "retry") == 200
    assert act(client, older, "retry") == 409


def test_a_scheduled_job_is_brought_forward(client: Client) -> None:
    enqueue(run_at=datetime.now(UTC) + timedelta(hours=1))
    job = only(client)
    assert (job["waiting_for"], job["controls"]) == ("time", ["run-now", "discard"])
    assert claim() == []
    assert act(client, job["id"], "run-now") == 200
    assert act(client, job["id"], "run-now") == 409
    assert [claimed.id for claimed in claim()] == [job["id"]]


def test_a_discarded_job_is_not_done_and_its_holder_writes_nothing(client: Client) -> None:
    enqueue()
    enqueue()
    (running,) = claim()
    for job in client.get(PATH).json()["items"]:
        assert act(client, job["id"], "discard") == 200
        assert act(client, job["id"], "discard") == 409
    assert claim(9) == []
    with pytest.raises(LeaseLost), transaction() as session:
        jobs.complete_held(session, running)
    assert {j["status"] for j in client.get(PATH).json()["items"]} == {"cancelled"}


def test_many_are_changed_only_as_many_as_were_shown(client: Client) -> None:
    fail(3)
    wanted = {"action": "retry", "status": "failed", "kind": "observe_agent"}
    shown = client.post(f"{PATH}/bulk", json=wanted).json()
    assert shown == {"count": 3, "is_done": False}
    fail(1)
    stale = client.post(f"{PATH}/bulk", json={**wanted, "expected_count": 3})
    assert (stale.status_code, stale.json()["error"]["details"]) == (409, {"count": 4})
    assert len(client.get(PATH, params={"status": "failed"}).json()["items"]) == 4
    assert client.post(f"{PATH}/bulk", json={**wanted, "expected_count": 4}).json() == {"count": 4, "is_done": True}
    assert len(claim(9)) == 4


def test_jobs_that_are_named_are_changed_and_no_others(client: Client) -> None:
    first, second, third = fail(3)
    wanted = {"action": "discard", "ids": [first, third, 10**15]}
    assert client.post(f"{PATH}/bulk", json=wanted).json() == {"count": 2, "is_done": False}
    assert client.post(f"{PATH}/bulk", json={**wanted, "expected_count": 2}).json()["is_done"]
    assert [job["id"] for job in client.get(PATH, params={"status": "failed"}).json()["items"]] == [second]
    for ids in ([], [0], [2**63], list(range(1, 502))):
        refused = client.post(f"{PATH}/bulk", json={"action": "retry", "ids": ids})
        assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "ids")


def test_the_queue_at_a_glance(client: Client, database: str) -> None:
    fail(1)
    enqueue()
    enqueue(run_at=datetime.now(UTC) + timedelta(hours=1))
    beat(database, 200, {"completed": 100}, {"5": 100})
    beat(database, 130, {"completed": 103, "failed": 1, "retried": 2}, {"5": 102, "11": 4})
    beat(database, 10, {"completed": 104, "failed": 1, "retried": 2}, {"5": 103, "11": 4})
    shown = client.get(f"{PATH}/summary").json()
    (line,) = shown["kinds"]
    assert [line[state] for state in ("kind", "due", "running", "scheduled", "dead")] == ["observe_agent", 1, 0, 1, 1]
    assert 0 <= line["oldest_due_seconds"] == shown["oldest_due_seconds"] < 60
    assert [line[name] for name in ("completed", "failed", "tried_again")] == [4, 1, 2]
    minutes = {minute["ago"]: minute for minute in shown["minutes"]}
    assert sorted(minutes) == list(range(60))
    assert [ago for ago, minute in minutes.items() if minute["completed"]] == [2, 0]
    assert (minutes[2]["completed"], minutes[2]["failed"], minutes[1]["wait_p95_seconds"]) == (3, 1, None)
    assert minutes[2]["wait_p50_seconds"] > 1 > 0.032 >= minutes[0]["wait_p95_seconds"] >= 0.016


def beat(url: str, seconds_ago: int, outcomes: dict[str, int], waits: dict[str, int]) -> None:
    """A sign of a worker, with what became of its jobs so far."""
    facts = {"jobs": {"observe_agent": {"outcomes": outcomes, "waits": waits, "runs": {}}}}
    ask(
        url,
        "INSERT INTO service_health_events (service, instance, kind, details, created_at) VALUES"
        " ('worker', 'w', 'heartbeat', %s, clock_timestamp() - make_interval(secs => %s))",
        (json.dumps(facts), seconds_ago),
    )
