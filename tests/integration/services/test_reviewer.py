"""The reviewer from launch to verdict, through the machinery that every agent goes through."""

from __future__ import annotations

from cursor_monitor.queries import orchestrations as queries
from cursor_monitor.services import orchestrations
from tests.fakes.cursor import GOOD, FakeCursor
from tests.support.postgres import ask
from tests.support.pump import Pump

CHANGES = 'Read.\n\n```json\n{"verdict": "changes", "findings": ["It leaks."]}\n```'
APPROVE = 'Read.\n\n```json\n{"verdict": "approve", "findings": []}\n```'


async def test_a_reviewer_sends_the_work_back_once_and_then_approves(
    pump: Pump, cursor: FakeCursor, database: str
) -> None:
    cursor.answers.extend([GOOD, CHANGES, GOOD, APPROVE])
    fields = {"prompt": "Add it.", "repository": "acme/web", "options": {"reviewer": True, "max_parallel_agents": 1}}
    made = orchestrations.launch(fields, by="ada")
    await pump.run_until(lambda: queries.get_orchestration(made).status == "completed")
    worker, first, second = cursor.agents.values()
    assert [len(agent.runs) for agent in (worker, first, second)] == [2, 1, 1]
    assert "- It leaks." in worker.runs[1].prompt
    branch = queries.list_tasks(made)[0].branch
    assert (first.spec.ref, first.spec.auto_create_pr, worker.spec.auto_create_pr) == (branch, False, True)
    assert queries.list_tasks(made)[0].agent_id == worker.spec.agent_id, "the task is the worker's"
    reasons = [event.message for event in queries.list_events(made).items if event.type == "RunAssessed"]
    assert [reason.partition(" ")[0] for reason in reasons] == ["REVIEW", "FIX", "REVIEW", "COMPLETE"]
    assert ask(database, "SELECT agents, followups FROM spend_days") == [(3, 1)]
