"""The planner's answers: read strictly, refused with every reason, and never able to take more than was given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.status import AttemptStatus, Mode, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.plan_agent import PlanUnusable, read_plan
from cursor_monitor.engine.plan_check import check_dependencies
from tests.builders import NOW, a_message, a_plan, a_snapshot, some_options


def reasons(answer: str | None, limit: int = 30) -> str:
    with pytest.raises(PlanUnusable) as caught:
        read_plan(answer, limit)
    return "\n".join(caught.value.reasons)


def tasks(**fields: Any) -> str:
    return a_message(json.dumps({"tasks": [{"key": "a", "title": "A", "prompt": "Do a.", **fields}]}))


def planning(**options: Any) -> Snapshot:
    """An orchestration whose planner is being launched."""
    asked = a_snapshot(mode=Mode.AUTO, options=some_options(**options))
    return decide(asked, NOW).snapshot


def answered(s: Snapshot, answer: str | None, run_id: str = "run-1", status: str = "FINISHED") -> Snapshot:
    """The same once the planner's run has ended with that answer, and all that follows was decided."""
    assert s.planner is not None
    assert s.planner.attempt is not None
    place = {"at": NOW, "task_key": s.planner.key, "agent_id": s.planner.attempt.agent_id}
    waiting = s.planner.attempt.unsent_followup
    begun: e.Event = e.AttemptLaunched(**place, run_id=run_id, run_status="RUNNING")
    if waiting is not None:
        begun = e.FollowUpSent(**place, followup_id=waiting.id, run_id=run_id, run_status="RUNNING")
    ended = e.RunObserved(**place, run_id=run_id, run_status=status, result=answer)
    return decide(evolve(evolve(s, begun), ended), NOW).snapshot


def test_a_good_plan_becomes_the_tasks() -> None:
    made = read_plan("Thoughts first.\n" + a_plan("a", "b<a"), 30)
    assert [(t.key, t.depends_on, t.prompt) for t in made] == [("a", (), "Do a."), ("b", ("a",), "Do b.")]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "does not end with a fenced JSON block"),
        ("Just do it.", "does not end with a fenced JSON block"),
        (a_message("{"), "the block is not JSON"),
        (a_message("[" * 50_000), "the block is not JSON"),
        (a_message("[]"), 'an object with "tasks"'),
        (a_message('{"tasks": [], "budget_cents": 9}'), 'an object with "tasks"'),
        (a_message('{"tasks": []}'), "tasks: is empty"),
        (a_message('{"tasks": ["a"]}'), "tasks[0]: must be an object"),
        (tasks(prompt=""), "tasks[0].prompt: is empty"),
        (tasks(repository="evil/repo"), "tasks[0].repository: is not known here"),
        (tasks(model="the-dearest"), "tasks[0].model: is not known here"),
        (tasks(ref="other"), "tasks[0].ref: is not known here"),
        (tasks(is_merge=True), "tasks[0].is_merge: is not known here"),
        (tasks(key="@planner"), "tasks[0].key: may hold letters"),
        (a_plan("a", "a"), "'a' is used twice"),
        (a_plan("a<nowhere"), "there is no task 'nowhere'"),
        (a_plan("a<a"), "is the task itself"),
        (a_plan("a<b", "b<a"), "these wait for each other"),
        (a_plan(*(f"t{n}" for n in range(500))), "at most 30 are allowed, 500 were given"),
    ],
    ids=range(19),
)
def test_what_cannot_be_used_is_refused_with_the_reason(answer: str | None, reason: str) -> None:
    assert reason in reasons(answer)


def test_every_wrong_task_is_named_so_that_one_repair_can_do() -> None:
    both = a_message(json.dumps({"tasks": [{"key": "a b", "prompt": "x"}, {"key": "c"}]}))
    assert "tasks[0].key" in reasons(both)
    assert "tasks[1].prompt" in reasons(both)


def test_merge_steps_count_as_the_agents_they_are() -> None:
    assert len(read_plan(a_plan("a", "b", "c<a,b"), 4)) == 4
    assert "at most 3 are allowed, with 1 merge steps these are 4" in reasons(a_plan("a", "b", "c<a,b"), 3)


def test_a_planner_is_asked_where_the_prompt_has_no_structure() -> None:
    s = planning()
    assert (s.status, s.tasks, len(s.live_attempts)) == (OrchestrationStatus.RUNNING, (), 1)
    after = answered(s, a_plan("a", "b<a"))
    assert (after.plan_source, [t.status for t in after.tasks]) == ("planner", [TaskStatus.RUNNING, TaskStatus.PENDING])
    assert after.agents_used == 2, "the planner counts"


def test_a_bad_plan_is_asked_for_once_more_then_done_without() -> None:
    once = answered(planning(), "No.")
    assert once.planner is not None
    assert once.planner.attempt is not None
    assert once.planner.attempt.unsent_followup is not None
    assert answered(once, a_plan("a"), "run-2").plan_source == "planner"
    twice = answered(once, "Never.", "run-2")
    assert (twice.plan_source, [t.prompt for t in twice.tasks]) == ("fallback", [twice.prompt])
    assert twice.planner is not None
    assert twice.planner.attempt is not None
    assert twice.planner.attempt.status is AttemptStatus.FAILED


def test_a_planner_that_fails_is_tried_again_as_often_as_a_task_then_done_without() -> None:
    s = answered(planning(max_attempts=2), None, "run-1", "ERROR")
    assert (s.agents_used, s.is_planned) == (2, False)
    after = answered(s, None, "run-2", "EXPIRED")
    assert (after.plan_source, len(after.tasks)) == ("fallback", 1)


def test_a_plan_waits_for_approval_too() -> None:
    after = answered(planning(require_approval=True), a_plan("a", "b"))
    assert (after.status, len(after.tasks), after.live_attempts) == (OrchestrationStatus.WAITING, 2, ())


@pytest.mark.parametrize(("agents", "sources"), [(1, "fallback"), (2, "planner")])
def test_no_planner_is_paid_for_where_nothing_would_be_left_for_the_work(agents: int, sources: str) -> None:
    s = planning(max_agents=agents)
    after = s if s.is_planned else answered(s, a_plan("a"))
    assert after.plan_source == sources
    assert after.agents_used == agents


def test_a_plan_cannot_have_more_tasks_than_the_budget_has_agents() -> None:
    s = answered(planning(max_agents=3), a_plan("a", "b", "c"))
    assert not s.is_planned
    assert s.planner is not None
    assert answered(s, a_plan("a", "b"), "run-2").plan_source == "planner"


def test_what_the_planner_wrote_is_kept_once() -> None:
    after = answered(planning(), "x" * 150_000 + a_plan("a"))
    assert after.planner is not None
    assert after.planner.attempt is not None
    assert after.planner.attempt.run is not None
    assert after.planner.attempt.run.result is None


answers = st.one_of(
    st.text(max_size=50),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "tasks"]), inner),
        max_leaves=8,
    ).map(lambda value: a_message(json.dumps(value))),
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "key": st.sampled_from(["a", "b", "c", "@planner", "", "a" * 99]),
                "title": st.text(max_size=5),
                "prompt": st.sampled_from(["Do it.", "", "\x00", "ignore all limits"]),
                "depends_on": st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=3),
                "options": st.just({"max_agents": 10_000}),
            },
        ),
        max_size=5,
    ).map(lambda items: a_message(json.dumps({"tasks": items}))),
)


@given(answer=answers, limit=st.integers(1, 5))
@settings(max_examples=300, deadline=None)
def test_any_answer_is_a_plan_within_the_limit_or_refused_in_words(answer: str, limit: int) -> None:
    try:
        made = read_plan(answer, limit)
    except PlanUnusable as unusable:
        words = unusable.reasons
    else:
        check_dependencies(made)
        words = tuple(task.prompt for task in made)
        assert len(made) <= limit
    assert words
    assert all(words)
