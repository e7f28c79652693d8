"""What went wrong in systems of this kind before, fault by fault: short proofs here, or where a longer one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.status import AttemptStatus, Mode, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.fold import evolve
from tests.builders import (
    NOW,
    a_completed_task,
    a_run,
    a_running_task,
    a_snapshot,
    a_task,
    some_options,
)

TESTS = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "R-03 nothing advances without webhooks": (
        "integration/services/test_fleet.py::test_an_end_that_the_list_never_tells_is_seen_by_the_look_of_its_own"
    ),
    "R-04 status and counters are not kept": (
        "unit/engine/test_world.py::test_whatever_happens_it_ends_within_its_limits_and_its_events_rebuild_it"
    ),
    "R-05 a final failure leaves it running, retry fails": (
        "integration/api/test_orchestrations.py::test_controls_answer_with_the_new_state_or_the_reason"
    ),
    "R-06 calls to endpoints that do not exist": (
        "cursor/test_requests.py::test_every_v1_path_is_in_the_vendors_description"
    ),
    "R-07 the planner loses half of the prompt": (
        "unit/engine/test_plan_split.py::test_no_character_is_lost_and_none_is_told_twice"
    ),
    "R-08 an analyzer that throws and never says COMPLETE": (
        "unit/engine/test_evidence.py::test_an_empty_conversation_is_asked_about_once_and_then_unknown"
    ),
    "R-09 partial saves wipe the counters": (
        "unit/engine/test_budgets.py::test_no_follow_up_beyond_those_allowed_in_all"
    ),
    "R-10 a gate that cannot be passed": "unit/engine/test_evidence.py::test_no_tests_are_asked_for_once",
    "R-16 unknown or cyclic dependencies": (
        "unit/engine/test_plan.py"
        "::test_an_unknown_or_cyclic_dependency_is_refused_at_the_door_instead_of_waiting_for_ever"
    ),
    "R-17 options are lost downstream": "unit/engine/test_plan.py::test_every_option_reaches_the_orchestration",
    "R-18 limits contradict the form": "unit/engine/test_plan.py::test_the_longest_prompt_is_kept_whole",
    "R-24 daily caps: checked, then inserted": (
        "integration/services/test_shared_limits.py::test_workers_that_decide_at_once_never_exceed_it"
    ),
    "R-37 nothing guards a repository": (
        "integration/services/test_shared_limits.py::test_whoever_waits_says_why_and_takes_turns"
    ),
}


@pytest.mark.parametrize(("fault", "place"), ELSEWHERE.items(), ids=[fault[:4] for fault in ELSEWHERE])
def test_the_fault_has_its_test(fault: str, place: str) -> None:
    path, _, name = place.partition("::")
    assert f"def {name}(" in (TESTS / path).read_text(encoding="utf-8"), fault


def launched(s: Snapshot) -> list[e.AttemptRequested]:
    return [event for event in decide(s, NOW).events if isinstance(event, e.AttemptRequested)]


def test_the_end_of_a_single_agent_is_the_end_of_its_orchestration() -> None:
    """R-11: the one agent is matched to its task by an id that is known before it is launched."""
    s = decide(a_snapshot(mode=Mode.SINGLE_AGENT), NOW).snapshot
    (attempt,) = s.live_attempts
    place = {"at": NOW, "task_key": "task-1", "agent_id": attempt.agent_id, "run_id": "run-1"}
    s = evolve(s, e.AttemptLaunched(**place, run_status="RUNNING"))
    report = a_run().report
    s = evolve(s, e.RunObserved(**place, run_status="FINISHED", report=report))
    assert decide(s, NOW).snapshot.status is OrchestrationStatus.COMPLETED


def test_a_pipeline_goes_on_after_its_second_task() -> None:
    """R-12: each task starts when the one before has completed, to the last."""
    keys = "abcde"
    for done in range(1, 5):
        tasks = [a_completed_task(key, depends_on=tuple(keys[:i][-1:])) for i, key in enumerate(keys[:done])]
        tasks += [a_task(key, depends_on=(keys[i - 1],)) for i, key in enumerate(keys) if i >= done]
        assert [event.task_key for event in launched(a_snapshot(*tasks))] == [keys[done]]


def test_every_agent_of_a_batch_is_remembered() -> None:
    """R-13: each under its own id, in the state that is stored, not in a worker's memory."""
    s = decide(a_snapshot(*[a_task(key) for key in "abc"]), NOW).snapshot
    assert len({attempt.agent_id for attempt in s.live_attempts}) == 3
    assert decide(s, NOW).events == ()


@pytest.mark.parametrize("status", ["ERROR", "EXPIRED"])
def test_an_agent_that_fails_is_tried_again_and_then_fails_its_task(status: str) -> None:
    """R-14: the end of an agent reaches its task and its orchestration."""
    s = a_snapshot(a_running_task(run=a_run(status)), options=some_options(max_attempts=2))
    assert [event.number for event in launched(s)] == [2]
    over = decide(a_snapshot(a_running_task(run=a_run(status)), options=some_options(max_attempts=1)), NOW).snapshot
    assert over.task("a").status is TaskStatus.FAILED
    assert over.status is OrchestrationStatus.ERROR


def test_the_cap_counts_what_runs_already() -> None:
    """R-15: two at work and three allowed make room for one."""
    tasks = [a_running_task("a"), a_running_task("b"), *[a_task(key) for key in "cdef"]]
    assert len(launched(a_snapshot(*tasks, options=some_options(max_parallel_agents=3)))) == 1


def test_pause_resume_and_cancel_are_states_that_the_engine_honours() -> None:
    """R-19: while paused nothing starts, resumed it goes on, cancelled its agents are cancelled and it ends."""
    s = evolve(a_snapshot(a_running_task("a"), a_task("b")), e.OrchestrationPaused(at=NOW, by="ada"))
    assert launched(s) == []
    assert len(launched(evolve(s, e.OrchestrationResumed(at=NOW, by="ada")))) == 1
    cancelled = decide(evolve(s, e.CancelRequested(at=NOW, by="ada")), NOW)
    assert [type(event) for event in cancelled.events] == [e.RunCancelRequested]
    attempt = cancelled.snapshot.live_attempts[0]
    ended = e.RunObserved(
        at=NOW,
        task_key="a",
        agent_id=attempt.agent_id,
        run_id=attempt.run.id if attempt.run else "",
        run_status="CANCELLED",
    )
    over = decide(evolve(cancelled.snapshot, ended), NOW).snapshot
    assert over.status is OrchestrationStatus.STOPPED
    assert over.task("a").attempts[0].status is AttemptStatus.CANCELLED


def test_a_dependent_task_starts_from_the_branch_of_what_it_waits_for() -> None:
    """R-36: not from the branch that everything began with."""
    s = a_snapshot(a_completed_task("a", branch="cursor/a"), a_task("b", depends_on=("a",)))
    assert [event.ref for event in launched(s)] == ["cursor/a"]
