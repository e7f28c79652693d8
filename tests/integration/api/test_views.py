"""Saved views and pins: each person's own, everybody's where nobody signs in."""

from __future__ import annotations

import pytest

from cursor_monitor.domain.access import Role
from tests.support.people import add_person

from .client import Client
from .conftest import API, LAUNCH, client_of

VIEWS = f"{API}/views"
QUERY = "columns=name,cost&sort=-cost&status=failed&q=a+b&cursor=x"
KEPT = "q=a+b&status=failed&sort=-cost&columns=name%2Ccost"


def test_a_view_is_kept_in_one_spelling_changed_and_forgotten(client: Client) -> None:
    made = client.post(VIEWS, json={"name": " Dear  failures ", "query": f"?{QUERY}"})
    assert made.status_code == 201
    view = made.json()
    assert (view["name"], view["query"], view["shared"], view["created_by"]) == ("Dear failures", KEPT, True, "local")
    assert made.headers["Location"] == f"{VIEWS}/{view['id']}"
    twice = client.post(VIEWS, json={"name": "dear FAILURES", "query": ""})
    assert (twice.status_code, twice.json()["error"]["details"]["field"]) == (422, "name")
    changed = client.request("PUT", f"{VIEWS}/{view['id']}", json={"name": "All", "query": ""}).json()
    assert (changed["name"], changed["query"]) == ("All", "")
    assert [one["name"] for one in client.get(VIEWS).json()["items"]] == ["All"]
    assert client.request("DELETE", f"{VIEWS}/{view['id']}").status_code == 204
    assert client.request("DELETE", f"{VIEWS}/{view['id']}").status_code == 404
    assert client.request("DELETE", f"{VIEWS}/nothing").status_code == 404


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("colour=red", "which there is not"),
        ("status=asleep", "must be one of queued, blocked"),
        ("sort=colour", "must be one of created"),
        ("columns=name,evil", "no column 'evil'"),
        ("group=moon", "must be one of repository"),
        ("pinned=perhaps", "must be one of yes, no"),
        ("q=" + "x" * 2000, "take filters away"),
        ("q=" + "é" * 700, "take filters away"),
        ("&".join(f"q={n}" for n in range(50)), "too many parts"),
    ],
)
def test_a_view_of_what_the_list_does_not_know_is_refused(client: Client, query: str, says: str) -> None:
    error = client.post(VIEWS, json={"name": "x", "query": query}).json()["error"]
    assert error["details"]["field"] == "query"
    assert says in error["message"]


def test_views_and_pins_are_each_persons_own(database: str, client: Client) -> None:
    made = client.post(f"{API}/agents", json=LAUNCH).json()["id"]
    client.post(VIEWS, json={"name": "Ours", "query": "origin=person"})
    client.request("PUT", f"{API}/agents/{made}/pin")
    asking = client_of(auth_required=True)
    ada = add_person(database, Role.OPERATOR, "ada@example.com").cookie
    bob = add_person(database, Role.VIEWER, "bob@example.com").cookie

    def names(headers: dict[str, str]) -> list[str]:
        return [one["name"] for one in asking.get(VIEWS, headers=headers).json()["items"]]

    def pinned(headers: dict[str, str]) -> list[str]:
        listed = asking.get(f"{API}/agents", params={"pinned": True}, headers=headers).json()["items"]
        return [one["id"] for one in listed]

    mine = asking.post(VIEWS, json={"name": "Mine", "query": "pinned=yes"}, headers=bob).json()
    assert (mine["shared"], names(bob), names(ada)) == (False, ["Mine", "Ours"], ["Ours"])
    assert asking.request("DELETE", f"{VIEWS}/{mine['id']}", headers=ada).status_code == 404
    (ours,) = [one["id"] for one in asking.get(VIEWS, headers=bob).json()["items"] if one["shared"]]
    assert asking.request("DELETE", f"{VIEWS}/{ours}", headers=bob).status_code == 403
    asking.request("PUT", f"{API}/agents/{made}/pin", headers=ada)
    assert (pinned(ada), pinned(bob)) == ([made], [])
    asking.request("DELETE", f"{API}/agents/{made}/pin", headers=ada)
    assert (pinned(ada), client.get(f"{API}/agents/{made}").json()["pinned"]) == ([], True)
