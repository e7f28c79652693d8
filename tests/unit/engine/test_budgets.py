"""Budgets: nothing more is begun once one is used, a person is told what to do, and a larger one lets it go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.budgets import uses
from cursor_monitor.engine.fold import evolve
from tests.builders import (
    NOW,
    a_completed_task,
    a_followup,
    a_report,
    a_run,
    a_running_task,
    a_snapshot,
    a_task,
    later,
    some_options,
)


def unfinished(key: str = "a", **attempt: Any):
    """A task whose agent says that work remains."""
    run = a_run(report=a_report(remaining=("more",)), ended_at=NOW)
    return a_running_task(key, **{"run": run, "costed_run_id": run.id, **attempt})


def blocked(s: Snapshot, now: datetime = NOW) -> e.OrchestrationBlocked:
    """The one event of the decision, which must be a block."""
    (event,) = [event for event in decide(s, now).events if not isinstance(event, e.BudgetNear)]
    assert isinstance(event, e.OrchestrationBlocked)
    return event


def kinds(s: Snapshot, now: datetime = NOW) -> list[str]:
    return [type(event).__name__ for event in decide(s, now).events]


@pytest.mark.earlier("R-09", "R-10")
def test_no_follow_up_beyond_those_allowed_in_all() -> None:
    """Follow-ups end, however many agents would each have some left."""
    sent = tuple(a_followup(number=n, run_id=f"run-{n}") for n in (1, 2))
    s = a_snapshot(unfinished(followups=sent), options=some_options(max_followups=2))
    event = blocked(s)
    assert event.code == "followup_budget"
    assert event.summary == "2 of 2 follow-ups of the budget are used. Raise max_followups to go on, or cancel."


def test_two_agents_that_finish_together_share_what_is_left() -> None:
    s = a_snapshot(unfinished("a"), unfinished("b"), options=some_options(max_followups=1))
    assert kinds(s).count("FollowUpRequested") == 1


def test_no_agent_beyond_those_allowed_in_all() -> None:
    s = a_snapshot(a_completed_task("a"), a_task("b"), options=some_options(max_agents=1))
    assert blocked(s).code == "agent_budget"
    assert kinds(a_snapshot(a_running_task("a"), a_task("b"), options=some_options(max_agents=1))) == ["BudgetNear"]


@pytest.mark.earlier("R-39")
def test_nothing_is_begun_once_the_cents_are_spent() -> None:
    """Cost is tracked, and ends what it should end."""
    s = a_snapshot(unfinished(cents=100.5), options=some_options(budget_cents=100))
    event = blocked(s)
    assert event.code == "cents_budget"
    assert "100.5 of 100 cents" in event.summary


def test_what_is_spent_is_asked_for_before_more_is_spent() -> None:
    s = a_snapshot(unfinished(costed_run_id=None), options=some_options(budget_cents=100))
    decision = decide(s, NOW)
    assert decision.events == ()
    assert decision.wake_at == later(minutes=10)
    assert blocked(s, later(minutes=10)).code == "cost_unknown"


def test_unknown_cost_is_said_and_never_counts_as_nothing() -> None:
    s = a_snapshot(unfinished(cents=None), options=some_options(budget_cents=100))
    event = blocked(s)
    assert event.code == "cost_unknown"
    assert "does not tell the cost of 1 agent" in event.summary
    assert next(use for use in uses(s, NOW) if use.budget == "budget_cents").unknown == 1
    after = evolve(decide(s, NOW).snapshot, e.OrchestrationResumed(at=NOW, by="ada"))
    assert "FollowUpRequested" in kinds(after), "a person took the risk"


def test_agents_at_work_are_expected_to_cost_what_others_did() -> None:
    tasks = (a_completed_task("a"), a_running_task("b"), a_task("c"))
    first = tasks[0].with_attempt(_costing(tasks[0], 60.0))
    s = a_snapshot(first, *tasks[1:], options=some_options(budget_cents=100))
    assert kinds(s) == [], "a third agent might cost what is left after the second"
    assert "AttemptRequested" in kinds(a_snapshot(first, *tasks[1:], options=some_options(budget_cents=200)))


def _costing(task: Any, cents: float) -> Any:
    return replace(task.attempts[0], cents=cents, costed_run_id="run-1")


def test_time_ends_although_an_agent_is_at_work() -> None:
    s = a_snapshot(a_running_task(), options=some_options(wall_hours=2.0), warned=("wall_hours",))
    assert kinds(s, later(1.9)) == []
    wake = decide(s, later(1.9)).wake_at
    assert wake is not None
    assert blocked(s, wake).code == "wall_budget"


def test_nearly_used_is_said_once() -> None:
    s = a_snapshot(*[a_completed_task(k) for k in "abcd"], a_task("e"), options=some_options(max_agents=5))
    decision = decide(s, NOW)
    near = [event for event in decision.events if isinstance(event, e.BudgetNear)]
    assert [event.message() for event in near] == ["4 of 5 agents are used."]
    assert decision.snapshot.warned == ("max_agents",)


@pytest.mark.parametrize("changes", [{"max_followups": 3}, {"max_followups": 50, "budget_cents": 10}])
def test_a_larger_budget_lets_it_go_on(changes: dict[str, float]) -> None:
    sent = tuple(a_followup(number=n, run_id=f"run-{n}") for n in (1, 2))
    s = decide(a_snapshot(unfinished(followups=sent, cents=1.0), options=some_options(max_followups=2)), NOW).snapshot
    assert s.status is OrchestrationStatus.BLOCKED
    after = evolve(s, e.BudgetChanged(at=NOW, by="ada", limits=changes))
    assert after.status is OrchestrationStatus.RUNNING
    assert after.options.max_followups == changes["max_followups"]
    assert "FollowUpRequested" in kinds(after)


def test_what_is_done_is_accepted_although_nothing_is_left() -> None:
    run = a_run()
    done = a_running_task(run=run, cents=500.0, costed_run_id=run.id)
    s = a_snapshot(done, options=some_options(budget_cents=100, max_agents=1, max_followups=1, wall_hours=1.0))
    assert kinds(s)[-1] == "OrchestrationEnded"
