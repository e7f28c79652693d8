"""What went wrong in systems of this kind before, fault by fault: the short proofs."""

from __future__ import annotations

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


def launched(s: Snapshot) -> list[e.AttemptRequested]:
    return [event for event in decide(s, NOW).events if isinstance(event, e.AttemptRequested)]


@pytest.mark.earlier("R-11")
def test_the_end_of_a_single_agent_is_the_end_of_its_orchestration() -> None:
    """The one agent is matched to its task by an id that is known before it is launched."""
    s = decide(a_snapshot(mode=Mode.SINGLE_AGENT), NOW).snapshot
    (attempt,) = s.live_attempts
    place = {"at": NOW, "task_key": "task-1", "agent_id": attempt.agent_id, "run_id": "run-1"}
    s = evolve(s, e.AttemptLaunched(**place, run_status="RUNNING"))
    report = a_run().report
    s = evolve(s, e.RunObserved(**place, run_status="FINISHED", report=report))
    assert decide(s, NOW).snapshot.status is OrchestrationStatus.COMPLETED


@pytest.mark.earlier("R-12")
def test_a_pipeline_goes_on_after_its_second_task() -> None:
    """Each task starts when the one before has completed, to the last."""
    keys = "abcde"
    for done in range(1, 5):
        tasks = [a_completed_task(key, depends_on=tuple(keys[:i][-1:])) for i, key in enumerate(keys[:done])]
        tasks += [a_task(key, depends_on=(keys[i - 1],)) for i, key in enumerate(keys) if i >= done]
        assert [event.task_key for event in launched(a_snapshot(*tasks))] == [keys[done]]


@pytest.mark.earlier("R-13")
def test_every_agent_of_a_batch_is_remembered() -> None:
    """Each under its own id, in the state that is stored, not in a worker's memory."""
    s = decide(a_snapshot(*[a_task(key) for key in "abc"]), NOW).snapshot
    assert len({attempt.agent_id for attempt in s.live_attempts}) == 3
    assert decide(s, NOW).events == ()


@pytest.mark.parametrize("status", ["ERROR", "EXPIRED"])
@pytest.mark.earlier("R-14")
def test_an_agent_that_fails_is_tried_again_and_then_fails_its_task(status: str) -> None:
    """The end of an agent reaches its task and its orchestration."""
    s = a_snapshot(a_running_task(run=a_run(status)), options=some_options(max_attempts=2))
    assert [event.number for event in launched(s)] == [2]
    over = decide(a_snapshot(a_running_task(run=a_run(status)), options=some_options(max_attempts=1)), NOW).snapshot
    assert over.task("a").status is TaskStatus.FAILED
    assert over.status is OrchestrationStatus.ERROR


@pytest.mark.earlier("R-15")
def test_the_cap_counts_what_runs_already() -> None:
    """Two at work and three allowed make room for one."""
    tasks = [a_running_task("a"), a_running_task("b"), *[a_task(key) for key in "cdef"]]
    assert len(launched(a_snapshot(*tasks, options=some_options(max_parallel_agents=3)))) == 1


@pytest.mark.earlier("R-19")
def test_pause_resume_and_cancel_are_states_that_the_engine_honours() -> None:
    """While paused nothing starts, resumed it goes on, cancelled its agents are cancelled and it ends."""
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


@pytest.mark.earlier("R-36")
def test_a_dependent_task_starts_from_the_branch_of_what_it_waits_for() -> None:
    """Not from the branch that everything began with."""
    s = a_snapshot(a_completed_task("a", branch="cursor/a"), a_task("b", depends_on=("a",)))
    assert [event.ref for event in launched(s)] == ["cursor/a"]
