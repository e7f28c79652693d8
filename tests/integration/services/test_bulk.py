"""Many agents at once: what was counted is what is done, once, however often it is asked for."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from cursor_monitor.domain.errors import AppError, Conflict, Invalid
from cursor_monitor.domain.fleet import BATCH_LIMIT, TAGS_LIMIT, BulkAction, FleetFilter
from cursor_monitor.queries import fleet
from cursor_monitor.queries.agents import get_agent
from cursor_monitor.services import agents, bulk
from cursor_monitor.services.bulk import Wanted
from tests.fakes.cursor import FakeCursor
from tests.support.fleets import fill
from tests.support.postgres import ask, ask_one
from tests.support.pump import Pump

LAUNCH = {"prompt": "Add a changelog.", "repository": "acme/web"}
UNSETTLED = (
    "SELECT count(*) FROM orchestration_outbox_jobs"
    " WHERE kind NOT IN ('watch_fleet', 'read_usage') AND status = 'pending'"
)


async def finished(pump: Pump, count: int) -> tuple[str, ...]:
    made = tuple(agents.launch(LAUNCH, by="test") for _ in range(count))
    await drain(pump)
    return made


async def drain(pump: Pump) -> None:
    while job := await asyncio.to_thread(pump.claim):
        await pump.do(job)


def new_batch() -> str:
    return str(uuid.uuid4())


async def test_fifty_follow_ups_confirmed_by_count_are_sent_once_each(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    made = await finished(pump, 50)
    wanted = Wanted(BulkAction.FOLLOWUP, ids=made, prompt="Now the docs.")
    assert set(bulk.look(wanted).accepted) == set(made)
    assert ask_one(database, UNSETTLED) == 0, "looking does nothing"
    for wrong in (49, 51):
        with pytest.raises(Conflict, match="50 agents by now"):
            bulk.act(wanted, expected=wrong, batch_id=new_batch(), by="test")
    assert ask_one(database, "SELECT count(*) FROM agent_followups") == 0
    batch = new_batch()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(bulk.act, wanted, expected=50, batch_id=batch, by="test") for _ in range(4)]
    assert {one.result() for one in asked} == {asked[0].result()}
    await drain(pump)
    assert {(len(a.runs), a.runs[-1].prompt) for a in cursor.agents.values()} == {(2, "Now the docs.")}
    bulk.act(wanted, expected=50, batch_id=batch, by="test")
    await drain(pump)
    assert cursor.calls.count("create_run") == 50


async def test_a_batch_id_belongs_to_one_request(pump: Pump) -> None:
    made = await finished(pump, 2)
    batch = new_batch()
    bulk.act(Wanted(BulkAction.TAG, ids=made, tag="a"), expected=2, batch_id=batch, by="test")
    with pytest.raises(Conflict, match="another request"):
        bulk.act(Wanted(BulkAction.TAG, ids=made, tag="b"), expected=2, batch_id=batch, by="test")
    assert get_agent(made[0]).agent.tags == ("a",)


async def test_each_that_is_left_out_says_why(pump: Pump, cursor: FakeCursor) -> None:
    done, archived = await finished(pump, 2)
    cursor.answer = None
    (working,) = await finished_or_working(pump, 1)
    agents.change(archived, "archive", by="test")
    await drain(pump)
    ids = (done, archived, working, "bc-nobody")
    reasons = {
        action: {one.id: one.reason for one in bulk.look(Wanted(action, ids=ids)).refused}
        for action in (BulkAction.STOP, BulkAction.ARCHIVE, BulkAction.UNARCHIVE, BulkAction.DELETE)
    }
    assert all("bc-nobody" in found for found in reasons.values())
    assert set(reasons[BulkAction.STOP]) == {done, archived, "bc-nobody"}
    assert set(reasons[BulkAction.ARCHIVE]) == {archived, working, "bc-nobody"}
    assert set(reasons[BulkAction.UNARCHIVE]) == {done, working, "bc-nobody"}
    assert "stop it first" in reasons[BulkAction.DELETE][working]


async def finished_or_working(pump: Pump, count: int) -> tuple[str, ...]:
    made = tuple(agents.launch(LAUNCH, by="test") for _ in range(count))
    await pump.run_due("launch_agent")
    return made


async def test_a_selection_is_archived_brought_back_and_deleted(pump: Pump, cursor: FakeCursor) -> None:
    made = await finished(pump, 25)
    for action, status in (
        (BulkAction.ARCHIVE, "ARCHIVED"),
        (BulkAction.UNARCHIVE, "IDLE"),
        (BulkAction.DELETE, "DELETED"),
    ):
        bulk.act(Wanted(action, ids=made), expected=25, batch_id=new_batch(), by="test")
        await drain(pump)
        assert {get_agent(agent_id).agent.agent_status for agent_id in made} == {status}
    assert cursor.agents == {}
    assert fleet.count_agents(FleetFilter(shelf="deleted")) == 25


async def test_all_that_fit_a_filter_are_stopped(pump: Pump, cursor: FakeCursor) -> None:
    cursor.answer = None
    working = await finished_or_working(pump, 3)
    waiting = agents.launch(LAUNCH, by="test")
    wanted = Wanted(BulkAction.STOP, filter=FleetFilter(repository="acme/web"))
    bulk.act(wanted, expected=4, batch_id=new_batch(), by="test")
    await drain(pump)
    assert {get_agent(agent_id).agent.state for agent_id in (*working, waiting)} == {"cancelled"}
    assert len(cursor.agents) == 3


def test_a_thousand_are_tagged_in_one_transaction_and_more_are_refused(database: str) -> None:
    fill(database, BATCH_LIMIT + 1)
    with pytest.raises(Invalid, match="narrow it"):
        bulk.look(Wanted(BulkAction.TAG, filter=FleetFilter(), tag="x"))
    wanted = Wanted(BulkAction.TAG, filter=FleetFilter(shelf="current"), tag=" Needs  REVIEW ")
    many = len(bulk.look(wanted).accepted)
    bulk.act(wanted, expected=many, batch_id=new_batch(), by="test")
    assert fleet.count_agents(FleetFilter(tag="needs review")) == many > 900


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(BulkAction.STOP), "ids"),
        (Wanted(BulkAction.STOP, ids=()), "ids"),
        (Wanted(BulkAction.STOP, ids=("a",), filter=FleetFilter()), "ids"),
        (Wanted(BulkAction.STOP, ids=tuple(map(str, range(BATCH_LIMIT + 1)))), "ids"),
        (Wanted(BulkAction.STOP, ids=("a",), prompt="x"), "prompt"),
        (Wanted(BulkAction.FOLLOWUP, ids=("a",), prompt=" "), "prompt"),
        (Wanted(BulkAction.FOLLOWUP, ids=("a",), prompt="x" * 100_001), "prompt"),
        (Wanted(BulkAction.TAG, ids=("a",)), "tag"),
        (Wanted(BulkAction.TAG, ids=("a",), tag="x" * 41), "tag"),
        (Wanted(BulkAction.TAG, ids=("a",), tag="\u200b\u202e"), "tag"),
        (Wanted(BulkAction.STOP, filter=FleetFilter(status="nope")), "status"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(database: str, wanted: Wanted, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        bulk.act(wanted, expected=1, batch_id=new_batch(), by="test")
    assert refused.value.field == field


def test_tags_have_a_limit_and_pins_are_kept(database: str) -> None:
    made = agents.launch(LAUNCH, by="test")
    for number in range(TAGS_LIMIT):
        agents.tag(made, f"<b>tag {number}</b>", by="test")
    with pytest.raises(AppError, match="at most"):
        agents.tag(made, "one more", by="test")
    assert [r.id for r in bulk.look(Wanted(BulkAction.TAG, ids=(made,), tag="one more")).refused] == [made]
    assert bulk.look(Wanted(BulkAction.TAG, ids=(made,), tag="<b>TAG 0</b>")).accepted == (made,)
    agents.untag(made, "<b>tag 0</b>", by="test")
    agents.pin(made, True, by="test")
    row = get_agent(made).agent
    assert (len(row.tags), row.pinned) == (TAGS_LIMIT - 1, True)
    assert ask(database, "SELECT DISTINCT created_by FROM agent_tags") == [("test",)]
