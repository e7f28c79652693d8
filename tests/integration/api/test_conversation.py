"""Reading and searching what agents said and did."""

from __future__ import annotations

from .client import Client
from .conftest import API, LAUNCH

PATH = f"{API}/agents"


def test_a_conversation_is_read_and_searched(client: Client) -> None:
    made = client.post(PATH, json={**LAUNCH, "prompt": "Tell me of zebras."}).json()["id"]
    whole = client.get(f"{PATH}/{made}/conversation").json()
    assert [(e["kind"], e["text"]) for e in whole["items"]] == [("user", "Tell me of zebras.")]
    assert (whole["next_cursor"], whole["streams"]) == (None, [])
    assert client.get(f"{PATH}/bc-nobody/conversation").status_code == 404
    assert client.get(f"{API}/search", params={"q": "zebra"}).json() == {"items": [], "next_cursor": None}
    assert client.get(f"{API}/search", params={"q": "the"}).json()["error"]["details"] == {"field": "q"}
