"""Agents as files, and the files of agents: whole, safe to open, and never a way to the key."""

from __future__ import annotations

import csv
import io
import json

import pytest

from cursor_monitor.queries.export import safe_cell

from .client import Client
from .conftest import API, LAUNCH, ask

PATH = f"{API}/agents"
HOSTILE = "<script>alert(1)</script> \u202eabc\u202c \u200b👩‍👩‍👧"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u200b=1", "\uff1d1", "=cmd|' /C calc'!A0"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=b", "Fix - it", HOSTILE, "", 12, 0.5, None, True])
def test_every_other_cell_stays_as_it_is(value: object) -> None:
    assert safe_cell(value) == value


def test_the_fleet_as_csv(client: Client) -> None:
    names = ["=HYPERLINK(1)", f'"{HOSTILE[:60]}",\n;', "plain"]
    made = [client.post(PATH, json={**LAUNCH, "name": name}).json()["id"] for name in names]
    client.post(f"{PATH}/{made[2]}/tags", json={"tag": "keep"})
    answer = client.get(f"{PATH}/export", params={"sort": "created"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="agents.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == made
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", names[1].strip(), "plain"]
    assert (rows[2]["tags"], rows[2]["cost_cents"]) == ("keep", "")
    some = client.get(f"{PATH}/export", params={"tag": "keep"}).text
    assert [row["id"] for row in csv.DictReader(io.StringIO(some))] == [made[2]]
    assert client.get(f"{PATH}/export", params={"status": "nope"}).status_code == 422


def test_one_agent_as_text_and_json(client: Client) -> None:
    made = client.post(PATH, json={**LAUNCH, "prompt": HOSTILE, "name": "One"}).json()["id"]
    text = client.get(f"{PATH}/{made}/export")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert text.text.startswith("One\n")
    assert HOSTILE in text.text
    whole = client.get(f"{PATH}/{made}/export", params={"format": "json"})
    assert whole.headers["content-disposition"] == 'attachment; filename="agent.json"'
    told = json.loads(whole.text)
    assert (told["agent"]["id"], told["prompt"], told["usage"]["usage"]) == (made, HOSTILE, None)
    assert [entry["text"] for entry in told["conversation"]] == [HOSTILE]
    assert client.get(f"{PATH}/{made}/export", params={"format": "pdf"}).status_code == 422
    assert client.get(f"{PATH}/bc-none/export").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["artifacts/../../etc/passwd", "etc/passwd", "artifacts", "artifacts//a", "artifacts/a%5Cb"],
)
def test_a_path_outside_is_refused(client: Client, path: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]
    answer = client.get(f"{PATH}/{made}/artifacts/{path.replace('..', '%2e%2e')}/download")
    assert answer.status_code in (404, 422)
    assert "location" not in answer.headers


def test_what_is_not_at_cursor_has_no_files(client: Client, database: str) -> None:
    made = client.post(PATH, json=LAUNCH).json()["id"]
    assert client.get(f"{PATH}/{made}/artifacts/artifacts/a.md/download").status_code == 409
    ask(database, "UPDATE agents SET launch_status = 'launched', agent_status = 'DELETED' RETURNING id")
    assert client.get(f"{PATH}/{made}/artifacts/artifacts/a.md/download").status_code == 409
