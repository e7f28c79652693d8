"""Launching, reading and controlling orchestrations over HTTP."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cursor_monitor.services.advance import advance

from .client import Client
from .conftest import API, LAUNCH, rows_in

PATH = f"{API}/orchestrations"
SHAPE = """id name status mode repository ref prompt model options tasks_total tasks_completed active_agents
    quality_score quality_coverage error_code error_summary created_at started_at completed_at updated_at"""
TASK_SHAPE = """key title prompt status depends_on agent_id latest_run_id attempts iterations branch pr_url
    quality_score error_message started_at completed_at"""
EVENT_SHAPE = "seq type level task_key message payload created_at"
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PLAN = {
    "mode": "AUTO",
    "tasks": [
        {"key": "a", "title": "First", "prompt": "Do A"},
        {"key": "b", "prompt": "Do B", "depends_on": ["a"]},
    ],
}


def launch(client: Client, **fields: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={**LAUNCH, **fields})
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_launch_is_accepted_and_can_be_read(client: Client) -> None:
    answer = client.post(PATH, json={**LAUNCH, "options": {"max_iterations": 7}, "name": "Mine", "ref": "main"})
    made = answer.json()
    assert (answer.status_code, made["status"], made["name"], made["ref"]) == (202, "queued", "Mine", "main")
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    read = client.get(answer.headers["location"])
    assert read.json() == made
    assert set(SHAPE.split()) <= read.json().keys()
    assert read.json()["options"]["max_iterations"] == 7
    assert UTC_TIME.fullmatch(read.json()["created_at"])


def test_null_means_absent(client: Client) -> None:
    made = launch(client, ref=None, model=None, mode=None, tasks=None, options={"max_agents": None})
    assert (made["mode"], made["ref"]) == ("SINGLE_AGENT", None)


def test_no_character_of_the_prompt_is_lost(client: Client) -> None:
    prompt = "Zürich \N{PILE OF POO} <script>\u202e " + "x" * 99_000 + "."
    made = launch(client, prompt=prompt)
    assert client.get(f"{PATH}/{made['id']}").json()["prompt"] == prompt


def test_the_same_key_and_body_create_once(client: Client, database: str) -> None:
    headers = {"Idempotency-Key": "key-1"}
    answers = [client.post(PATH, json=LAUNCH, headers=headers) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert [a.status_code for a in answers] == [202, 202]
    assert rows_in(database)["orchestrations"] == 1


def test_the_same_key_at_once_creates_once(client: Client, database: str) -> None:
    def post(_: int) -> str:
        return client.post(PATH, json=LAUNCH, headers={"Idempotency-Key": "at-once"}).json()["id"]

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(post, range(6)))) == 1
    assert rows_in(database)["orchestrations"] == 1


def test_the_same_key_with_another_body_is_refused(client: Client, database: str) -> None:
    headers = {"Idempotency-Key": "key-1"}
    client.post(PATH, json=LAUNCH, headers=headers)
    before = rows_in(database)
    answer = client.post(PATH, json={**LAUNCH, "prompt": "Something else"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert rows_in(database) == before


def test_pages_hold_every_row_once_newest_first(client: Client) -> None:
    made = [launch(client, name=f"Number {n}")["id"] for n in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(PATH, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


def test_filters_narrow_the_list(client: Client) -> None:
    launch(client, name="Needle")
    other = launch(client, repository="acme/api", **PLAN)

    def found(**params: str) -> list[str]:
        return [item["id"] for item in client.get(PATH, params=params).json()["items"]]

    assert found(mode="AUTO") == [other["id"]]
    assert found(repository="acme/api") == [other["id"]]
    assert found(q="needle") != [other["id"]]
    assert found(status="completed") == []
    assert len(found(status="queued")) == 2


def test_tasks_are_listed_in_the_order_of_the_plan(client: Client) -> None:
    made = launch(client, **PLAN)
    advance(made["id"])
    page = client.get(f"{PATH}/{made['id']}/tasks").json()
    assert [task["key"] for task in page["items"]] == ["a", "b"]
    assert page["items"][1]["depends_on"] == ["a"]
    assert set(TASK_SHAPE.split()) <= page["items"][0].keys()
    assert page["next_cursor"] is None


@pytest.mark.earlier("R-05", "R-19")
def test_controls_answer_with_the_new_state_or_the_reason(client: Client) -> None:
    made = launch(client)
    path = f"{PATH}/{made['id']}"
    assert client.post(f"{path}/pause").json()["status"] == "paused"
    refused = client.post(f"{path}/pause")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "paused" in refused.json()["error"]["message"]
    assert client.post(f"{path}/approve").status_code == 409
    assert client.post(f"{path}/retry").status_code == 409
    assert client.post(f"{path}/resume").status_code == 202
    assert client.post(f"{path}/cancel").status_code == 202
    advance(made["id"])
    assert client.get(path).json()["status"] == "stopped"
    assert client.post(f"{path}/cancel").status_code == 409
    assert client.post(f"{path}/retry").status_code == 202


def test_approval_is_given(client: Client) -> None:
    made = launch(client, options={"require_approval": True})
    advance(made["id"])
    assert client.get(f"{PATH}/{made['id']}").json()["status"] == "waiting"
    assert client.post(f"{PATH}/{made['id']}/approve").status_code == 202
    advance(made["id"])
    assert client.get(f"{PATH}/{made['id']}").json()["status"] == "running"


def test_a_task_is_skipped_and_tried_again(client: Client) -> None:
    made = launch(client, **PLAN)
    advance(made["id"])
    path = f"{PATH}/{made['id']}/tasks"
    assert client.post(f"{path}/b/skip").json()["status"] == "skipped"
    refused = client.post(f"{path}/b/skip")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert client.post(f"{path}/b/retry").json()["status"] == "pending"
    assert client.post(f"{path}/none/retry").status_code == 404


def test_a_follow_up_needs_text_and_an_agent(client: Client) -> None:
    made = launch(client, **PLAN)
    advance(made["id"])
    path = f"{PATH}/{made['id']}/tasks/b/followup"
    assert client.post(path, json={"prompt": ""}).json()["error"]["details"]["field"] == "prompt"
    assert client.post(path, json={"text": "more"}).status_code == 422
    assert client.post(path, json={"prompt": "More."}).status_code == 409


def test_events_are_paged_in_order_without_gaps(client: Client) -> None:
    made = launch(client)
    for control in ("pause", "resume", "pause", "resume"):
        client.post(f"{PATH}/{made['id']}/{control}")
    path = f"{PATH}/{made['id']}/events"
    everything = client.get(path).json()["items"]
    assert [event["seq"] for event in everything] == list(range(1, len(everything) + 1))
    assert set(EVENT_SHAPE.split()) == everything[0].keys()
    first = client.get(path, params={"limit": 2}).json()
    rest = client.get(path, params={"cursor": first["next_cursor"]}).json()
    assert first["items"] + rest["items"] == everything
    assert client.get(path, params={"after": 2}).json()["items"] == everything[2:]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("after", ["-1", "x", str(2**31)])
def test_a_position_that_no_event_can_have(client: Client, after: str) -> None:
    answer = client.get(f"{PATH}/{launch(client)['id']}/events", params={"after": after})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "after")
