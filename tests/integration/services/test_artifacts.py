"""Where an agent's file is: asked for by a worker, kept while it is good, and only an address to go to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cursor_monitor.cursor.api import ArtifactUrl, UsageView
from cursor_monitor.domain.errors import Invalid, NotFound, Unavailable
from cursor_monitor.queries.agents import get_agent
from cursor_monitor.services import agents, artifacts, upkeep
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask
from tests.support.pump import Pump

LAUNCH = {"prompt": "Draw it.", "repository": "acme/web"}
FILE = "artifacts/screen shot.png"
AT_S3 = "https://bucket.s3.amazonaws.com/a?X-Amz-Signature=1"


async def asked(pump: Pump, agent_id: str, path: str = FILE) -> str:
    """What a person is told while a worker does its work."""
    wanted = asyncio.create_task(artifacts.address_of(agent_id, path))
    while not wanted.done():
        await pump.run_due("find_artifact")
        await asyncio.wait({wanted}, timeout=0.05)
    return wanted.result()


@pytest.fixture
def at(cursor: FakeCursor, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Where Cursor says that files are; every look is counted."""
    said: dict[str, Any] = {"url": AT_S3, "for": timedelta(minutes=15), "looks": 0}

    async def artifact_url(agent_id: str, path: str) -> ArtifactUrl:
        said["looks"] += 1
        return ArtifactUrl(said["url"], datetime.now(UTC) + said["for"])

    monkeypatch.setattr(cursor, "artifact_url", artifact_url)
    return said


async def test_an_address_is_asked_for_once_while_it_is_good(pump: Pump, at: dict[str, Any]) -> None:
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    assert [await asked(pump, made) for _ in range(2)] == [AT_S3, AT_S3]
    assert at["looks"] == 1


@pytest.mark.parametrize(
    "url", ["http://evil.example/a", "javascript:alert(1)", "//evil.example", "https://a b/c", "["]
)
async def test_an_address_that_no_browser_should_go_to_is_not_given(pump: Pump, at: dict[str, Any], url: str) -> None:
    at["url"] = url
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    with pytest.raises(Unavailable, match="bad_response"):
        await asked(pump, made)


async def test_a_file_that_is_gone_says_so(pump: Pump) -> None:
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    with pytest.raises(NotFound, match="artifact_not_found"):
        await asked(pump, made)


async def test_without_a_worker_the_wait_ends(pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "WAIT_SECONDS", 0.2)
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    with pytest.raises(Unavailable, match="worker"):
        await artifacts.address_of(made, FILE)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "artifacts/",
        "a",
        "/artifacts/a",
        "artifacts/../a",
        "artifacts/./a",
        "artifacts/a\\b",
        "artifacts/a\nb",
        "artifacts/" + "a" * 1000,
    ],
)
async def test_a_path_outside_is_refused(pump: Pump, path: str) -> None:
    with pytest.raises(Invalid, match="path: "):
        await artifacts.address_of("bc-1", path)


async def test_what_agents_used_is_read_once_they_rest(
    pump: Pump, cursor: FakeCursor, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = agents.launch(LAUNCH, by="test")
    await pump.run_due()
    assert upkeep.read_spending() == 0, "not at once: Cursor records it later"
    ask(database, "UPDATE agents SET active_at = active_at - interval '1 minute'")

    async def get_usage(*_: object) -> UsageView:
        return UsageView(1, 2, 3, 4, 10, 12.5, ())

    assert upkeep.read_spending() == 1
    await pump.run_due()
    row = get_agent(made).agent
    assert (row.tokens, row.cost_cents) == (None, None), "nothing recorded yet is not nothing spent"
    monkeypatch.setattr(cursor, "get_usage", get_usage)
    assert upkeep.read_spending() == 1
    await pump.run_due()
    row = get_agent(made).agent
    assert (row.tokens, row.cost_cents) == (10, 12.5)
    assert upkeep.read_spending() == 0
