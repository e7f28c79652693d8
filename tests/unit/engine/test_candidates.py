"""Several tries at one task: how they come into the plan, which is kept and why, and what a failed one means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CHOICE, STUCK
from cursor_monitor.domain.controls import family_of, possible_controls, possible_task_controls
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import PlanTask, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.choice import best_of
from cursor_monitor.engine.fold import begin, evolve
from cursor_monitor.engine.plan import make_plan, parse_request
from cursor_monitor.engine.plan_candidates import agents_in, with_agents, with_candidates, without_candidates
from cursor_monitor.engine.plan_edit import parse_plan
from tests.builders import (
    NOW,
    ORCHESTRATION_ID,
    a_planned_task,
    a_report,
    a_run,
    a_snapshot,
    a_task,
    an_attempt,
    later,
    request_fields,
    some_options,
)

THREE = some_options(best_of=3)


def planned(options: dict[str, Any], **fields: Any) -> tuple[PlanTask, ...]:
    """The plan of a request with these options."""
    return make_plan(parse_request(request_fields(options=options, **fields), some_options())) or ()


def a_candidate(number: int, score: int | None = 90, *, files: int = 1, **fields: Any) -> Task:
    """A candidate of task a that completed with this score, unless told otherwise."""
    report = a_report(files=tuple(f"f{n}.py" for n in range(files)))
    key = f"a.{number}"
    attempt = an_attempt(
        AttemptStatus.SUCCEEDED, task_key=key, run=a_run(report=report), cents=fields.pop("cents", None)
    )
    ended = {"status": TaskStatus.COMPLETED, "completed_at": NOW, "branch": f"cursor/{number}"}
    judged = {"quality_score": score, "quality_coverage": 60}
    return a_task(key, attempt, candidate_of="a", **{**ended, **judged, **fields})


def a_failed_candidate(number: int, **attempt: Any) -> Task:
    """A candidate whose last agent failed, of which the task does not know yet."""
    key = f"a.{number}"
    failed = an_attempt(AttemptStatus.FAILED, task_key=key, error_code="gave_up", error_message="No.", **attempt)
    return a_task(key, failed, candidate_of="a")


def choosing(*candidates: Task, by_hand: bool = False, after: tuple[Task, ...] = ()) -> Snapshot:
    """A task with these candidates, and what waits for it."""
    keys = tuple(task.key for task in candidates)
    options = some_options(best_of=len(candidates), choose_by_hand=by_hand, max_attempts=1)
    return a_snapshot(*candidates, a_task("a", depends_on=keys), *after, options=options)


def test_each_task_gets_its_candidates_and_what_waits_for_it_waits_for_the_choice() -> None:
    tasks = [a_planned_task("a"), a_planned_task("b", ("a",), best_of=1), a_planned_task("c", ("a", "b"))]
    made = with_candidates(tasks, some_options(best_of=2, models=("fast", "deep")))
    assert [(t.key, t.depends_on, t.model, t.candidate_of) for t in made] == [
        ("a.1", (), "fast", "a"),
        ("a.2", (), "deep", "a"),
        ("a", ("a.1", "a.2"), None, None),
        ("b", ("a",), None, None),
        ("c.1", ("a", "b"), "fast", "c"),
        ("c.2", ("a", "b"), "deep", "c"),
        ("c", ("c.1", "c.2"), None, None),
    ]
    assert agents_in(made) == 5
    assert [(t.key, t.depends_on) for t in with_agents(made)][2:4] == [
        ("b", ("a.1", "a.2")),
        ("c.1", ("a.1", "a.2", "b")),
    ]
    written = without_candidates(made)
    assert [(t.best_of, t.models) for t in written] == [(2, ("fast", "deep")), (1, ()), (2, ("fast", "deep"))]
    assert with_candidates(written, some_options()) == made, "edited and given back it is the same plan"


def test_a_candidate_never_takes_the_key_of_another_task() -> None:
    made = with_candidates([a_planned_task("a"), a_planned_task("a.2", best_of=1)], some_options(best_of=2))
    assert [t.key for t in made] == ["a-2.1", "a-2.2", "a", "a.2"]


def test_a_request_says_how_often_and_on_which_models() -> None:
    assert [t.title for t in planned({"best_of": 2})] == [
        "Try 1 of 2: Add a health check.",
        "Try 2 of 2: Add a health check.",
        "Add a health check.",
    ]
    assert [t.model for t in planned({"models": ["fast", "deep"]})] == ["fast", "deep", None]
    tasks = [{"key": "a", "prompt": "Do a.", "models": ["deep", "fast"], "best_of": 3}, {"key": "b", "prompt": "Do b."}]
    made = planned({}, mode="BATCH", tasks=tasks)
    assert [(t.key, t.model) for t in made] == [
        ("a.1", "deep"),
        ("a.2", "fast"),
        ("a.3", "deep"),
        ("a", None),
        ("b", None),
    ]


@pytest.mark.parametrize(
    ("fields", "field", "mend"),
    [
        ({"options": {"best_of": 9}}, "options.best_of", "from 1 to 8"),
        ({"options": {"best_of": True}}, "options.best_of", "whole number"),
        ({"options": {"models": "fast"}}, "options.models", "a list"),
        ({"options": {"models": ["m"] * 9}}, "options.models", "8 models at most"),
        ({"options": {"models": ["fast", "deep", "fast"], "best_of": 2}}, "options.models", "raise best_of"),
        ({"options": {"models": ["other"]}}, "options.models", "use some of fast, deep"),
        ({"mode": "BATCH", "tasks": [{"prompt": "Do a.", "best_of": 0}]}, "tasks[0].best_of", "from 1 to 8"),
        ({"mode": "BATCH", "tasks": [{"prompt": "Do."}] * 80, "options": {"best_of": 2}}, "tasks", "160 candidates"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(fields: dict[str, Any], field: str, mend: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_request(request_fields(**fields), some_options(), ("fast", "deep"))
    assert (refused.value.field, mend in refused.value.message) == (field, True), refused.value.message


@pytest.mark.parametrize("of", ["nobody", "b", 7])
def test_an_edited_plan_names_tasks_that_there_are(of: object) -> None:
    with pytest.raises(Invalid) as refused:
        parse_plan([{"key": "a", "prompt": "Do a."}, {"key": "b", "prompt": "Do b.", "candidate_of": of}])
    assert refused.value.field == "tasks[1].candidate_of"


def test_the_candidates_are_launched_side_by_side_each_within_every_limit() -> None:
    request = e.OrchestrationRequested(
        at=NOW, by="ada", name="n", mode=a_snapshot().mode, repository="r", ref=None, prompt="Do it.", model="auto",
        options=some_options(best_of=3, max_parallel_agents=2, max_agents=2), tasks=(),
    )  # fmt: skip
    made = [
        event for event in decide(begin(ORCHESTRATION_ID, request), NOW).events if isinstance(event, e.AttemptRequested)
    ]
    assert [(event.task_key, event.model) for event in made] == [("task-1.1", "auto"), ("task-1.2", "auto")]
    assert made[0].prompt == made[1].prompt


@pytest.mark.parametrize(
    ("candidates", "kept", "why"),
    [
        ((a_candidate(1, 80), a_candidate(2, 95), a_candidate(3, None)), "a.2", "95, against a.1 80, a.3 unknown."),
        ((a_candidate(1, 90, files=3), a_candidate(2, 90, files=2)), "a.2", "it changes fewer files"),
        ((a_candidate(1, cents=20.0), a_candidate(2, cents=7.0)), "a.2", "it cost less"),
        ((a_candidate(1, completed_at=later(1)), a_candidate(2, completed_at=NOW)), "a.2", "it was done first"),
        ((a_candidate(1), a_candidate(2, quality_coverage=100)), "a.2", "more of its evidence is known"),
        ((a_candidate(1, cents=20.0), a_candidate(2)), "a.1", "quality 90, against a.2 90."),
        ((a_candidate(1, None), a_candidate(2, None)), "a.1", "quality unknown"),
    ],
)  # fmt: skip
def test_the_best_is_kept_and_the_reason_said(candidates: tuple[Task, ...], kept: str, why: str) -> None:
    best = best_of(candidates)
    assert (best.key, why in best.reason) == (kept, True), best.reason


def test_what_is_kept_becomes_the_tasks_work_and_the_next_task_starts_from_it() -> None:
    s = choosing(a_candidate(1, 80), a_candidate(2, 95), after=(a_task("b", depends_on=("a",)),))
    made = decide(s, NOW)
    chosen = made.snapshot.task("a")
    assert (chosen.status, chosen.kept, chosen.branch, chosen.quality_score) == ("completed", "a.2", "cursor/2", 95)
    (kept,) = [event for event in made.events if isinstance(event, e.CandidateKept)]
    assert (kept.archived, kept.by) == ((s.task("a.1").attempts[0].agent_id,), "engine")
    (launched,) = [event for event in made.events if isinstance(event, e.AttemptRequested)]
    assert (launched.task_key, launched.ref) == ("b", "cursor/2")


def test_a_kept_candidate_without_a_branch_passes_no_others_branch_on() -> None:
    s = choosing(a_candidate(1, 80), a_candidate(2, 95, branch=None), after=(a_task("b", depends_on=("a",)),))
    (launched,) = [event for event in decide(s, NOW).events if isinstance(event, e.AttemptRequested)]
    assert launched.ref == "main"


def test_a_candidate_that_fails_fails_nothing_while_another_lives() -> None:
    working = a_task("a.2", an_attempt(task_key="a.2"), candidate_of="a")
    s = decide(choosing(a_failed_candidate(1), working), NOW).snapshot
    assert (s.task("a.1").status, s.task("a").status, s.status) == ("failed", "pending", "running")
    s = decide(s.with_task(a_candidate(2)), NOW).snapshot
    assert (s.task("a").kept, s.status, s.quality_score) == ("a.2", OrchestrationStatus.COMPLETED, 90)


def test_without_any_the_task_fails_and_a_retry_opens_all_of_it() -> None:
    s = decide(choosing(a_failed_candidate(1), a_failed_candidate(2)), NOW).snapshot
    assert (s.task("a").status, s.status) == ("failed", "error")
    assert "none of its 2 candidates completed; a.1: No." in (s.task("a").error_message or "")
    again = evolve(s, e.TaskRetried(at=NOW, task_key="a", by="ada"))
    assert [task.status for task in again.tasks] == [TaskStatus.PENDING] * 3
    assert evolve(s, e.OrchestrationRetried(at=NOW, by="ada", task_keys=s.retryable)).tasks == again.tasks


def test_one_that_goes_in_circles_asks_nobody_while_another_may_be_kept() -> None:
    circling = a_failed_candidate(1)
    circling = circling.with_attempt(replace(circling.attempts[0], error_code=STUCK))
    assert decide(choosing(circling, a_candidate(2)), NOW).snapshot.status == "completed"
    other = replace(circling, key="a.2", attempts=(replace(circling.attempts[0], agent_id="bc-2"),))
    assert decide(choosing(circling, other), NOW).snapshot.error_code == STUCK


def test_a_person_chooses_where_that_is_wanted() -> None:
    s = decide(choosing(a_candidate(1, 80), a_candidate(2, 95), by_hand=True), NOW).snapshot
    assert (s.status, s.error_code) == (OrchestrationStatus.WAITING, CHOICE)
    assert possible_controls(s.status, is_cancelling=False, code=s.error_code) == ("cancel",), (
        "there is no plan to approve"
    )
    assert [possible_task_controls(t.status, s.status, family_of(t, s.tasks)) for t in s.tasks] == [
        ("keep",),
        ("keep",),
        (),
    ]
    again = evolve(s, e.TaskRetried(at=NOW, task_key="a.1", by="ada"))
    assert again.status is OrchestrationStatus.RUNNING, "the choice is another by now"
