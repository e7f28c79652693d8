"""Launching, reading and stopping single agents, and what Cursor offers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cursor_monitor.store import cache, code_hosts, heartbeats
from cursor_monitor.store.database import transaction

from .client import Client
from .conftest import API, LAUNCH, ask, rows_in

PATH = f"{API}/agents"


def test_an_agent_is_launched_read_and_stopped(client: Client) -> None:
    answer = client.post(PATH, json={**LAUNCH, "name": "Mine", "auto_create_pr": True})
    made = answer.json()
    assert (answer.status_code, made["status"], made["name"]) == (202, "queued", "Mine")
    assert client.get(answer.headers["location"]).json() == made
    assert made["runs"] == made["followups"] == []
    assert client.post(f"{PATH}/{made['id']}/stop").json()["status"] == "cancelled"
    assert client.post(f"{PATH}/{made['id']}/stop").status_code == 409
    assert [a["id"] for a in client.get(PATH, params={"status": "cancelled"}).json()["items"]] == [made["id"]]


def test_the_same_key_creates_one_agent(client: Client, database: str) -> None:
    headers = {"Idempotency-Key": "key-1"}
    ids = {client.post(PATH, json=LAUNCH, headers=headers).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    assert rows_in(database)["agents"] == 1
    other = client.post(PATH, json={**LAUNCH, "prompt": "Else"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_conflict")


def test_pages_hold_every_agent_once(client: Client) -> None:
    made = [client.post(PATH, json=LAUNCH).json()["id"] for _ in range(5)]
    first = client.get(PATH, params={"limit": 3}).json()
    second = client.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [a["id"] for a in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


def test_a_follow_up_is_recorded_for_an_agent_that_takes_one(client: Client, database: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]
    path = f"{PATH}/{made}/followup"
    assert client.post(path, json={"prompt": "Too early."}).status_code == 409
    ask(database, f"UPDATE agents SET launch_status = 'launched' WHERE id = '{made}' RETURNING id")
    key = {"Idempotency-Key": "once"}
    answer = client.post(path, json={"prompt": "Go on."}, headers=key)
    assert client.post(path, json={"prompt": "Go on."}, headers=key).json() == answer.json()
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    followups = client.get(f"{PATH}/{made}").json()["followups"]
    assert [(f["id"], f["prompt"]) for f in followups] == [(answer.json()["id"], "Go on.")]
    assert client.post(path, json={"prompt": "Again."}).json()["error"]["code"] == "followup_pending"


def test_models_and_repositories_come_from_the_cache(client: Client) -> None:
    assert client.get(f"{API}/models").json() == {"items": [], "next_cursor": None}
    with transaction() as session:
        cache.put(session, "models", [{"id": "m-1", "name": "One"}])
        cache.put(session, "repositories", ["https://github.com/acme/web"])
    assert client.get(f"{API}/models").json()["items"] == [{"id": "m-1", "name": "One", "parameters": []}]
    assert client.get(f"{API}/repositories").json()["items"] == [{"repository": "https://github.com/acme/web"}]


def test_usage_and_artifacts_say_that_nothing_is_known_yet(client: Client, database: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]
    ask(database, f"UPDATE agents SET launch_status = 'launched' WHERE id = '{made}' RETURNING id")
    nothing = {"fetched_at": None, "refusal": None}
    assert client.get(f"{PATH}/{made}/usage").json() == nothing | {"usage": None}
    assert client.get(f"{PATH}/{made}/artifacts").json() == nothing | {"items": []}
    kinds = ask(database, "SELECT kind FROM orchestration_outbox_jobs ORDER BY kind")
    assert kinds == [("launch_agent",), ("read_agent",)]


def test_archiving_and_deleting_are_recorded_for_a_worker(client: Client, database: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]
    assert client.request("DELETE", f"{PATH}/{made}").status_code == 409
    ask(database, "UPDATE agents SET launch_status = 'launched', run_status = 'FINISHED' RETURNING id")
    assert client.post(f"{PATH}/{made}/archive").status_code == 202
    assert client.post(f"{PATH}/{made}/unarchive").status_code == 409
    assert client.request("DELETE", f"{PATH}/{made}").status_code == 202
    query = "SELECT args->>'action' FROM orchestration_outbox_jobs WHERE kind = 'change_agent' ORDER BY 1"
    assert ask(database, query) == [("archive",), ("delete",)]


def test_me_and_branches(client: Client, database: str) -> None:
    assert client.get(f"{API}/me").json() == {"key_name": None, "email": None, "name": None}
    with transaction() as session:
        cache.put(session, "me", {"key_name": "ci", "email": None, "name": None})
    assert client.get(f"{API}/me").json()["key_name"] == "ci"
    made = client.post(PATH, json=LAUNCH).json()["id"]
    assert client.get(f"{API}/branches").json()["items"] == []
    ask(database, "UPDATE agents SET branch = 'cursor/x' RETURNING id")
    assert [b["agent_id"] for b in client.get(f"{API}/branches").json()["items"]] == [made]


def test_many_are_changed_only_as_many_as_were_shown_and_once(client: Client, database: str) -> None:
    ids = [client.post(PATH, json=LAUNCH).json()["id"] for _ in range(3)]
    wanted = {"action": "tag", "tag": "Later", "filter": {"status": "queued"}}
    shown = client.post(f"{PATH}/bulk", json=wanted).json()
    assert (sorted(shown["accepted"]), shown["refused"], shown["batch_id"]) == (sorted(ids), [], None)
    batch = {"expected_count": 3, "batch_id": "0190aaaa-0000-7000-8000-000000000009"}
    assert client.post(f"{PATH}/bulk", json={**wanted, "expected_count": 3}).status_code == 422
    stale = client.post(f"{PATH}/bulk", json={**wanted, **batch, "expected_count": 2})
    assert (stale.status_code, stale.json()["error"]["details"]) == (409, {"count": 3})
    answers = [client.post(f"{PATH}/bulk", json={**wanted, **batch}).json() for _ in range(2)]
    assert answers[0] == answers[1] == {**shown, "batch_id": batch["batch_id"]}
    assert {a["id"] for a in client.get(PATH, params={"tag": "later"}).json()["items"]} == set(ids)
    assert client.get(f"{PATH}/groups", params={"by": "tag"}).json()["items"] == [{"value": "later", "count": 3}]


def test_tags_and_pins(client: Client) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]
    assert client.post(f"{PATH}/{made}/tags", json={"tag": "A/B test"}).json()["tags"] == ["a/b test"]
    assert client.request("PUT", f"{PATH}/{made}/pin").json()["pinned"] is True
    assert [a["id"] for a in client.get(PATH, params={"pinned": True}).json()["items"]] == [made]
    assert client.request("DELETE", f"{PATH}/{made}/pin").json()["pinned"] is False
    assert client.post(f"{PATH}/{made}/tags", json={"tag": ""}).json()["error"]["details"]["field"] == "tag"
    assert client.post(f"{PATH}/bc-none/tags", json={"tag": "x"}).status_code == 404


def test_the_fleet_is_sorted_as_asked(client: Client) -> None:
    made = [client.post(PATH, json={**LAUNCH, "name": name}).json()["id"] for name in ("b", "A", "c")]
    ids = [a["id"] for a in client.get(PATH, params={"sort": "name"}).json()["items"]]
    assert ids == [made[1], made[0], made[2]]
    assert client.get(PATH, params={"sort": "colour"}).json()["error"]["details"]["field"] == "sort"


def test_the_code_hosts_word_is_told_and_where_there_is_none_why(client: Client, database: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]

    def told() -> dict[str, object]:
        return client.get(f"{PATH}/{made}").json()["code_host"]

    assert "Nothing was pushed" in str(told()["unknown_because"])
    ask(database, "UPDATE agents SET launch_status = 'launched', branch = 'cursor/x' RETURNING id")
    assert "GITHUB_TOKEN" in str(told()["unknown_because"])
    with transaction() as session:
        details = {"interval_seconds": 15, "code_host": "github.com"}
        heartbeats.record(session, service="worker", instance="w", kind="heartbeat", details=details)
    assert told()["unknown_because"] == "Not looked at yet."
    assert (told()["pr_state"], told()["mergeable"], told()["checks_summary"]) == (None, None, "unknown")
    now = datetime.now(UTC)
    check = {"name": "test", "status": "completed", "conclusion": "failure", "url": None}
    seen = {"pr_state": "open", "checks": [check], "checks_summary": "failed", "files_total": 2, "observed_at": now}
    with transaction() as session:
        code_hosts.save_state(session, agent_id=made, repository="acme/web", changed_at=now, **seen)
    assert told()["unknown_because"] is None
    assert (told()["pr_state"], told()["checks"], told()["files_total"]) == ("open", [check], 2)
    with transaction() as session:
        code_hosts.save_state(session, agent_id=made, repository="acme/web", changed_at=now, error_kind="token")
    assert "GITHUB_TOKEN" in str(told()["unknown_because"])
    assert told()["pr_state"] == "open", "what was last seen stays"


def test_a_status_tells_whose_word_it_is_and_who_says_otherwise(client: Client, database: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]

    def told() -> dict[str, Any]:
        return client.get(f"{PATH}/{made}").json()

    assert (told()["status_source"], told()["status_observed_at"], told()["words"]) == (None, None, [])
    ask(
        database,
        "UPDATE agents SET launch_status = 'launched', latest_run_id = 'run-1', run_status = 'RUNNING',"
        " observed_at = now(), launched_at = now() - interval '1 hour', agent_status = 'ACTIVE', listed_at = now()"
        " RETURNING id",
    )
    assert (told()["status_source"], told()["disagreement"]) == ("poll", None)
    assert [(w["source"], w["said"]) for w in told()["words"]][-1] == ("person", "launch")
    run = f"'run-1', '{made}'"
    ask(database, f"INSERT INTO agent_runs VALUES ({run}, 'RUNNING', '', '', 0, now(), NULL, now()) RETURNING id")
    heard = "INSERT INTO run_streams (run_id, agent_id, heard_at)"
    ask(database, f"{heard} VALUES ({run}, now() - interval '22 min') RETURNING run_id")
    merged = {"pr_state": "merged", "observed_at": datetime.now(UTC), "changed_at": datetime.now(UTC)}
    with transaction() as session:
        code_hosts.save_state(session, agent_id=made, repository="acme/web", **merged)
    found = told()["disagreement"]
    assert found["likely"] == "finished"
    assert found["why"] == "Cursor says RUNNING, last output 22 min ago, its pull request is merged."
    assert {word["source"] for word in found["words"]} == {"stream", "code_host"}
    assert told()["run_status"] == "RUNNING", "the likely truth stands beside what was said, not over it"
    assert [a["doubt"] for a in client.get(PATH).json()["items"]] == [found["why"]]
    client.post(f"{PATH}/{made}/stop")
    assert ("person", "stop") in [(w["source"], w["said"]) for w in told()["words"]]


def test_a_picture_is_uploaded_and_launched_with(client: Client, database: str) -> None:
    uploads = f"{API}/uploads"
    answer = client.post(uploads, content=b"\x89PNG\r\n\x1a\n" + b"x" * 2_000_000)
    picture = answer.json()
    assert (answer.status_code, picture["mime_type"], picture["size_bytes"]) == (201, "image/png", 2_000_008)
    body = {**LAUNCH, "mode": "plan", "images": [{"upload_id": picture["id"]}]}
    assert client.post(PATH, json=body).status_code == 202
    again = client.post(PATH, json=body).json()["error"]
    assert again["details"]["field"] == "images[0].upload_id"
    assert client.post(uploads, content=b"<svg>").json()["error"]["details"]["field"] == "image"
    assert client.post(uploads, content=b"\x89PNG\r\n\x1a\n" + b"x" * 16_000_000).status_code == 413
    assert rows_in(database)["agents"] == 1
