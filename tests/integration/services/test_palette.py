"""What the palette finds for a few letters, and for an id."""

from __future__ import annotations

import pytest

from cursor_monitor.queries.palette import Found, find
from cursor_monitor.services import agents, orchestrations


def test_names_repositories_and_ids_are_found(database: str) -> None:
    made = orchestrations.launch(
        {"prompt": "Rename it.", "name": "Zebra crossing", "repository": "acme/stripes", "mode": "SINGLE_AGENT"}, by="t"
    )
    agent = agents.launch({"prompt": "Look.", "name": "Zebra herd", "repository": "acme/savanna"}, by="t")
    found = find(" zebra ")
    assert [hit.id for hit in found.orchestrations] == [made]
    assert found.orchestrations[0].href == f"/orchestrations/{made}"
    assert found.orchestrations[0].where == "acme/stripes"
    assert agent in [hit.id for hit in found.agents]
    assert [hit.id for hit in find(made).orchestrations] == [made]
    assert find(made).agents == ()
    assert [hit.id for hit in find(agent).agents] == [agent]


@pytest.mark.parametrize("text", ["", " ", "z", "\x00\x00", "% _", "' OR 1=1 --", "\\", "👩‍👩‍👧 \u202e", "x" * 10_000])
def test_nothing_is_found_for_what_names_nothing(database: str, text: str) -> None:
    assert find(text) == Found()
