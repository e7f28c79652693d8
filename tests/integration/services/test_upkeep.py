"""Archiving, unarchiving, deleting, and reading what an agent used and left behind."""

from __future__ import annotations

from typing import cast

import pytest

from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Throttled
from cursor_monitor.domain.errors import Conflict, NotFound
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import agents as queries
from cursor_monitor.services import agents, upkeep
from cursor_monitor.services.agents import Action
from tests.fakes.cursor import FakeCursor
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}


@pytest.fixture
async def finished(pump: Pump) -> str:
    """An agent whose run has ended."""
    made = agents.launch(LAUNCH, by="test")
    await pump.run_until(lambda: queries.get_agent(made).agent.state == "finished")
    return made


@pytest.mark.parametrize("lost", [False, True])
async def test_archive_and_back(pump: Pump, cursor: FakeCursor, finished: str, lost: bool) -> None:
    if lost:
        cursor.fail("archive_agent", OutcomeUnknown("connection_cut"), after=True)
    agents.change(finished, "archive")
    await pump.run_until(lambda: queries.get_agent(finished).agent.agent_status == "ARCHIVED")
    assert queries.get_agent(finished).controls == ("unarchive", "delete")
    with pytest.raises(Conflict, match="already archived"):
        agents.change(finished, "archive")
    with pytest.raises(Conflict, match="archived or deleted"):
        agents.followup(finished, "Go on.", by="test")
    agents.change(finished, "unarchive")
    await pump.run_until(lambda: queries.get_agent(finished).agent.agent_status == "IDLE")
    assert cursor.agents[finished].status == "ACTIVE"


@pytest.mark.parametrize("lost", [False, True])
async def test_deleting_is_for_good_and_what_is_known_stays(
    pump: Pump, cursor: FakeCursor, finished: str, lost: bool
) -> None:
    if lost:
        cursor.fail("delete_agent", OutcomeUnknown("connection_cut"), after=True)
    agents.change(finished, "delete")
    await pump.run_until(lambda: queries.get_agent(finished).agent.agent_status == "DELETED")
    assert finished not in cursor.agents
    found = queries.get_agent(finished)
    assert (found.agent.state, found.controls, len(found.runs)) == ("finished", (), 1)
    for action in ("archive", "unarchive", "delete"):
        with pytest.raises(Conflict):
            agents.change(finished, cast(Action, action))


async def test_an_agent_at_work_is_neither_archived_nor_deleted(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answer = None
    made = agents.launch(LAUNCH, by="test")
    for action in ("archive", "delete"):
        with pytest.raises(Conflict, match="not launched"):
            agents.change(made, cast(Action, action))
    await pump.run_due()
    for action in ("archive", "delete"):
        with pytest.raises(Conflict, match="working"):
            agents.change(made, cast(Action, action))
    assert "archive_agent" not in cursor.calls


async def test_a_refusal_is_shown(pump: Pump, cursor: FakeCursor, finished: str) -> None:
    cursor.fail("archive_agent", Permanent("role_forbidden", "not yours", status=403))
    agents.change(finished, "archive")
    await pump.run_due()
    found = queries.get_agent(finished).agent
    assert (found.agent_status, found.error_message) == (
        "ACTIVE",
        "Cursor refused to archive the agent (role_forbidden): not yours",
    )


async def test_usage_and_artifacts_are_read_once_and_kept(
    pump: Pump, cursor: FakeCursor, finished: str, database: str
) -> None:
    upkeep.want_facts(finished)
    upkeep.want_facts(finished)
    assert queries.get_usage(finished).fetched_at is None
    cursor.fail("list_artifacts", Throttled(5))
    await pump.run_until(lambda: queries.get_artifacts(finished).fetched_at is not None)
    usage = queries.get_usage(finished)
    assert usage.usage is not None
    assert usage.usage["total_tokens"] is None, "unknown is not zero"
    count = cursor.calls.count("get_usage")
    upkeep.want_facts(finished)
    assert await pump.run_due(JobKind.READ_AGENT) == 0
    ask(database, "UPDATE cursor_cache SET fetched_at = fetched_at - interval '5 minutes'")
    upkeep.want_facts(finished)
    await pump.run_due()
    assert cursor.calls.count("get_usage") == count + 1


async def test_what_cursor_does_not_tell_is_said(pump: Pump, cursor: FakeCursor, finished: str) -> None:
    cursor.fail("get_usage", Permanent("feature_unavailable", "early access", status=403))
    upkeep.want_facts(finished)
    await pump.run_due()
    assert (queries.get_usage(finished).usage, queries.get_usage(finished).refusal) == (None, "feature_unavailable")
    assert queries.get_artifacts(finished).refusal is None


async def test_branches_are_listed_with_their_agents(finished: str) -> None:
    (branch,) = queries.list_branches().items
    assert (branch.agent_id, branch.repository) == (finished, "https://github.com/acme/web")
    assert branch.branch.startswith("cursor/")
    assert queries.list_branches(repository="nothing").items == ()


def test_nobody_asks_for_an_agent_that_is_not_there(database: str) -> None:
    with pytest.raises(NotFound):
        upkeep.want_facts("bc-nobody")
    assert ask_one(database, "SELECT count(*) FROM orchestration_outbox_jobs") == 0
