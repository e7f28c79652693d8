"""The board read from the database: each piece of work once, in the column of the next act."""

from __future__ import annotations

from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.queries.board import Card, get_board
from cursor_monitor.queries.orchestrations import get_orchestration, list_orchestrations
from cursor_monitor.queries.overview import get_overview
from cursor_monitor.queries.trends import get_trends
from cursor_monitor.services import orchestrations
from tests.support.postgres import ask
from tests.support.pump import Pump

REQUEST = {"prompt": "Add a changelog.", "repository": "acme/web", "mode": "BATCH", "tasks": [{"prompt": "Do it."}]}
PULL = "https://github.com/acme/web/pull/7"


def cards() -> dict[str, list[Card]]:
    return {lane.name: list(lane.cards) for lane in get_board().lanes if lane.cards}


def test_nothing_is_on_an_empty_board(database: str) -> None:
    overview, trends = get_overview(), get_trends()
    assert (cards(), overview.is_empty, overview.queue_depth) == ({}, True, 0)
    assert [span.success for span in trends.days] == [None] * 14
    assert sum(span.completed + span.failed for span in trends.hours) == 0


async def test_work_goes_from_waiting_to_its_pull_request_and_to_done(database: str, pump: Pump) -> None:
    made = orchestrations.launch(REQUEST, by="test")
    (queued,) = cards()["waiting"]
    assert (queued.id, queued.href, queued.why) == (made, f"/orchestrations/{made}", "a worker; none is online")
    await pump.run_until(lambda: get_orchestration(made).status == OrchestrationStatus.COMPLETED)
    (agent,) = ask(database, "SELECT agent_id FROM orchestration_tasks WHERE orchestration_id = %s", (made,))
    ask(
        database,
        "INSERT INTO code_host_states (agent_id, repository, pr_url, pr_state, checks_summary, mergeable, changed_at)"
        " VALUES (%s, 'acme/web', %s, 'open', 'passed', true, now())",
        (agent[0], PULL),
    )
    assert [(card.act, card.pull) for card in cards()["merge"]] == [("Merge", PULL)]
    ask(database, "UPDATE code_host_states SET checks_summary = 'failed'")
    assert [(card.tone, card.why) for card in cards()["respond"]] == [("bad", "checks of PR 7 failed")]
    ask(database, "UPDATE code_host_states SET pr_state = 'merged'")
    assert [card.why for card in cards()["done"]] == ["merged"]
    assert get_overview().completed_day == get_trends().hours[-1].completed == get_trends().days[-1].completed == 1


def test_what_waits_longest_for_a_person_comes_first(database: str) -> None:
    options = {"require_approval": True}
    made = [orchestrations.launch({**REQUEST, "options": options}, by="test") for _ in range(3)]
    ask(database, "UPDATE orchestrations SET status = 'waiting', updated_at = created_at")
    assert [card.id for card in cards()["respond"]] == made
    assert {card.act for card in get_board().needs} == {"Approve"}
    ask(database, "UPDATE orchestrations SET status = 'queued'")


def test_the_number_of_the_day_is_that_of_the_list_behind_it(database: str) -> None:
    made = [orchestrations.launch(REQUEST, by="test") for _ in range(2)]
    ask(database, "UPDATE orchestrations SET status = 'error', completed_at = now()")
    ask(database, "UPDATE orchestrations SET completed_at = now() - interval '3 days' WHERE id = %s", (made[0],))
    assert get_overview().failed_day == len(list_orchestrations(status="failures", ended="day").items) == 1
    assert len(list_orchestrations(status="failures", ended="week").items) == 2
    ask(database, "UPDATE orchestrations SET status = 'queued', completed_at = NULL")
