"""Plans over HTTP: tried out, launched only if they are still the same, edited and approved."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from cursor_monitor.services.advance import advance
from cursor_monitor.store.database import transaction

from .client import Client
from .conftest import API, LAUNCH, rows_in

PATH = f"{API}/orchestrations"
PROMPT = "Build a shop.\n\n1. Model\n2. Pages (depends on: 1)\n3. Mails\n4. Join\n   depends on: 2, 3\n"
BODY = {**LAUNCH, "prompt": PROMPT, "mode": "AUTO"}
Json = dict[str, Any]


def try_out(client: Client, **fields: Any) -> Json:
    answer = client.post(f"{PATH}/dry-run", json={**BODY, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def waiting(client: Client) -> str:
    made = client.post(PATH, json={**BODY, "options": {"require_approval": True}}).json()["id"]
    advance(made)
    return made


def test_a_dry_run_shows_the_plan_and_launches_nothing(client: Client, database: str) -> None:
    shown = try_out(client, options={"max_agents": 4, "max_parallel_agents": 1})
    assert [(t["key"], t["depends_on"]) for t in shown["tasks"]] == [
        ("model", []),
        ("pages", ["model"]),
        ("mails", []),
        ("merge-join", ["pages", "mails"]),
        ("join", ["merge-join"]),
    ]
    assert (shown["source"], shown["shared"], shown["agents"], shown["rounds"]) == ("prompt", "Build a shop.\n\n", 5, 5)
    assert [limit["name"] for limit in shown["limits"]] == ["max_agents", "max_parallel_agents"]
    assert shown["estimate"]["cents"] is None, "what nobody knows is not made up"
    assert rows_in(database)["orchestrations"] == 0


def test_the_estimate_is_the_median_of_what_runs_did_cost(client: Client) -> None:
    with transaction() as session:
        for number, cents in enumerate((10, 20, 90)):
            values = {"id": f"bc-{number}", "cents": cents}
            session.connection().execute(
                text(
                    "INSERT INTO agents (id, origin, launch_status, cost_cents, created_at)"
                    " VALUES (:id, 'person', 'launched', :cents, now())"
                ),
                values,
            )
    estimate = try_out(client)["estimate"]
    assert estimate["cents"] == 100.0
    assert "5 runs at 20 cents, the median of the newest 3 agents" in estimate["basis"]
    assert [limit["name"] for limit in try_out(client, options={"budget_cents": 50})["limits"]] == ["budget_cents"]


def test_a_planner_is_foretold_where_the_prompt_has_no_structure(client: Client) -> None:
    shown = try_out(client, prompt="Make it faster.")
    assert (shown["source"], shown["tasks"], shown["agents"]) == ("planner", [], 2)


def test_a_dry_run_refuses_what_a_launch_would(client: Client) -> None:
    answer = client.post(f"{PATH}/dry-run", json={**BODY, "prompt": "1. A (depends on: Z)\n2. B\n"})
    assert (answer.status_code, "line 1: depends on 'Z'" in answer.json()["error"]["message"]) == (422, True)


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"ref": "dev"}, ["ref"]),
        ({"options": {"max_iterations": 3}}, ["options"]),
        ({"prompt": PROMPT.replace("Mails", "Bills")}, ["prompt", "plan"]),
        ({"mode": "PIPELINE"}, ["mode", "plan"]),
    ],
)
def test_a_launch_is_refused_where_the_plan_changed_and_says_what(
    client: Client, database: str, change: Json, changed: list[str]
) -> None:
    shown = try_out(client)["plan_hash"]
    answer = client.post(PATH, json={**BODY, **change, "plan_hash": shown})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["changed"]) == (409, "plan_changed", changed)
    assert rows_in(database)["orchestrations"] == 0
    assert client.post(PATH, json={**BODY, "plan_hash": shown}).status_code == 202


def test_a_hash_that_is_none_is_refused(client: Client) -> None:
    answer = client.post(PATH, json={**BODY, "plan_hash": "abc"})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "plan_hash")


def test_a_waiting_plan_is_edited_and_approved_as_it_was_seen(client: Client) -> None:
    made = waiting(client)
    before = client.get(f"{PATH}/{made}/plan").json()
    tasks = [t for t in before["tasks"] if t["key"] != "mails"]
    tasks = [{**t, "depends_on": [d for d in t["depends_on"] if d != "mails"]} for t in tasks]
    tasks.insert(0, {"key": "bills", "prompt": "Send bills.", "depends_on": []})
    tasks[1] = {**tasks[1], "title": "The model", "ref": "dev"}
    edited = client.put(f"{PATH}/{made}/plan", json={"tasks": tasks, "plan_hash": before["plan_hash"]})
    assert edited.status_code == 200, edited.text
    shown = client.get(f"{PATH}/{made}/tasks").json()["items"]
    assert [(t["key"], t["title"], t["depends_on"]) for t in shown] == [
        ("bills", "Send bills.", []),
        ("model", "The model", []),
        ("pages", "Pages", ["model"]),
        ("join", "Join", ["pages"]),
    ]
    stale = client.post(f"{PATH}/{made}/approve", json={"plan_hash": before["plan_hash"]})
    assert (stale.status_code, stale.json()["error"]["details"]["changed"]) == (409, ["plan"])
    fresh = client.post(f"{PATH}/{made}/approve", json={"plan_hash": edited.json()["plan_hash"]})
    assert fresh.status_code == 202
    events = client.get(f"{PATH}/{made}/events").json()["items"]
    assert [e["type"] for e in events][-2:] == ["PlanEdited", "PlanApproved"]
    assert client.put(f"{PATH}/{made}/plan", json={"tasks": tasks}).status_code == 409


@pytest.mark.parametrize(
    ("tasks", "field"),
    [
        ([], "tasks"),
        ([{"prompt": "A", "depends_on": ["b"]}], "tasks[0].depends_on"),
        ([{"key": "a", "prompt": "A"}, {"key": "a", "prompt": "B"}], "tasks[1].key"),
        ([{"prompt": "A", "is_merge": True}], "tasks"),
        ([{"prompt": "A", "ref": "a..b"}], "tasks[0].ref"),
    ],
)
def test_an_edit_is_refused_at_its_place_and_changes_nothing(client: Client, tasks: list[Json], field: str) -> None:
    made = waiting(client)
    before = client.get(f"{PATH}/{made}/plan").json()
    answer = client.put(f"{PATH}/{made}/plan", json={"tasks": tasks})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    assert client.get(f"{PATH}/{made}/plan").json() == before
