"""Going in circles: what is taken for it, what is not, and the ladder that follows, every rung with its bound."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from cursor_monitor.domain import events as e
from cursor_monitor.domain.loops import Deed, Loop, LoopKind
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.status import AttemptStatus, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.loops import find_loop
from tests.builders import NOW, a_run, a_running_task, a_snapshot, a_task, later, some_options


def deeds(*steps: tuple[str, str] | tuple[str, str, bool]) -> list[Deed]:
    """Tools in order, each with its result, and whether it failed."""
    return [Deed(n, "tool", step[0], step[1], is_failure=len(step) > 2) for n, step in enumerate(steps)]


def words(count: int) -> list[Deed]:
    return [Deed(n, ("thinking", "assistant")[n % 2], f"I think {n}.") for n in range(count)]


def kind_of(found: Loop | None) -> tuple[LoopKind, int, bool] | None:
    return (found.kind, found.count, found.is_certain) if found else None


SAME = ("run ls", "nothing")
FAILS = ("run pytest", "1 failed, the same assertion, in 0.12 s", True)
FAILS_LATER = ("run pytest", "1 failed, the same assertion, in 7.99 s", True)


def edited(n: int) -> tuple[str, str]:
    return (f"edit {n}", f"{n} lines")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (deeds(*[SAME] * 6), (LoopKind.SAME_ACTION, 6, False)),
        (deeds(edited(1), *[SAME] * 12), (LoopKind.SAME_ACTION, 12, True)),
        (
            deeds(*[s for n in range(5) for s in (edited(n), FAILS if n % 2 else FAILS_LATER)]),
            (LoopKind.SAME_ERROR, 5, False),
        ),
        (deeds(*[("edit a", "1"), ("edit b", "2")] * 5), (LoopKind.PING_PONG, 5, False)),
        (deeds(*[("a", "1"), ("b", "2"), ("c", "3")] * 7), (LoopKind.CIRCLE, 21, False)),
        (words(12), (LoopKind.MONOLOGUE, 12, False)),
        ([*deeds(SAME), *[Deed(9 + d.position, d.kind, d.action) for d in words(24)]], (LoopKind.MONOLOGUE, 24, True)),
    ],
    ids=["same action", "for certain", "same error", "ping-pong", "circle", "monologue", "monologue for certain"],
)
def test_going_in_circles_is_seen(seen: Sequence[Deed], expected: tuple[LoopKind, int, bool]) -> None:
    assert kind_of(find_loop(seen)) == expected
    assert kind_of(find_loop(list(reversed(seen)))) == expected, "the order in which they come does not matter"


@pytest.mark.parametrize(
    "seen",
    [
        [],
        deeds(*[SAME] * 5),
        deeds(*[SAME] * 20, edited(1)),
        deeds(*[("poll", f"{n} %") for n in range(40)]),
        deeds(*[edited(n) for n in range(60)]),
        deeds(
            *[s for n in range(6) for s in (edited(n), ("run pytest", f"failed: {'abcdef'[n]} is wrong here", True))]
        ),
        deeds(*[FAILS] * 4, ("run pytest", "5 passed"), FAILS, FAILS, ("edit", "1"), FAILS),
        deeds(*[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")] * 8),
        words(11),
        [*words(8), Deed(8, "tool", "read a", "text"), *[Deed(9 + d.position, d.kind, d.action) for d in words(8)]],
    ],
    ids=[
        "nothing",
        "not often enough",
        "it got on",
        "waiting for something that moves",
        "much work",
        "other failures each time",
        "it was green between",
        "a long way round",
        "some words",
        "words around a deed",
    ],
)
def test_work_is_not_taken_for_it(seen: Sequence[Deed]) -> None:
    assert find_loop(seen) is None


def seen_loop(s: Snapshot, *, is_certain: bool = True, at: datetime = NOW) -> Snapshot:
    """The agent of task a is seen to go in circles in its newest run."""
    attempt = s.task("a").attempts[-1]
    fields: dict[str, Any] = {"at": at, "task_key": "a", "agent_id": attempt.agent_id}
    run_id = attempt.run.id if attempt.run else ""
    return evolve(
        s,
        e.LoopDetected(
            **fields,
            run_id=run_id,
            kind=LoopKind.SAME_ACTION,
            count=12,
            action="run ls",
            result="nothing",
            first=3,
            last=14,
            is_certain=is_certain,
        ),
    )


def ended(s: Snapshot, status: str = "CANCELLED") -> Snapshot:
    """The newest run of task a's agent ends so."""
    attempt = s.task("a").attempts[-1]
    assert attempt.run is not None
    place = {"at": NOW, "task_key": "a", "agent_id": attempt.agent_id}
    return evolve(s, e.RunObserved(**place, run_id=attempt.run.id, run_status=status))


def types(s: Snapshot) -> list[str]:
    return [type(event).__name__ for event in decide(s, NOW).events]


def test_first_a_person_is_told_and_nothing_else_happens() -> None:
    assert types(seen_loop(a_snapshot(a_running_task()), is_certain=False)) == []


def test_beyond_doubt_it_is_stopped_once_then_sent_another_way() -> None:
    s = seen_loop(a_snapshot(a_running_task()))
    stopped = decide(s, NOW)
    (event,) = stopped.events
    assert isinstance(event, e.RunCancelRequested)
    assert event.reason == "it did the same with the same result 12 times"
    assert types(stopped.snapshot) == []
    (asked,) = decide(ended(stopped.snapshot), NOW).events
    assert isinstance(asked, e.FollowUpRequested)
    assert asked.asks == "unstick"
    assert "- run ls" in asked.prompt
    assert "did the same with the same result 12 times" in asked.prompt


def test_an_end_that_came_first_is_judged_as_any_other() -> None:
    stopped = decide(seen_loop(a_snapshot(a_running_task())), NOW).snapshot
    place = {"at": NOW, "task_key": "a", "agent_id": stopped.task("a").attempts[0].agent_id}
    over = evolve(stopped, e.RunObserved(**place, run_id="run-1", run_status="FINISHED", report=a_run().report))
    assert decide(over, NOW).snapshot.status is OrchestrationStatus.COMPLETED


@pytest.mark.parametrize("option", [{"stop_loops": False}, {"timeout_hours": 4.0}])
def test_who_wants_no_stopping_is_only_told(option: dict[str, Any]) -> None:
    s = seen_loop(a_snapshot(a_running_task(), options=some_options(**option)))
    assert (types(s) == []) is ("stop_loops" in option)


def test_the_whole_ladder_ends_with_a_person_and_each_answer_is_one_more_try() -> None:
    s = a_snapshot(a_running_task(), a_task("b", depends_on=("a",)), options=some_options(max_nudges=0, max_attempts=2))
    for number in (1, 2, 3):
        s = decide(ended(decide(seen_loop(s), NOW).snapshot), NOW).snapshot
        assert s.task("a").attempts[number - 1].error_code == "stuck"
        if number >= 2:
            assert (s.status, s.error_code) == (OrchestrationStatus.BLOCKED, "stuck")
            assert types(s) == []
            s = decide(evolve(s, e.OrchestrationResumed(at=NOW, by="ada")), NOW).snapshot
        assert s.task("a").tries == number + 1, "one more agent, and no more than one"
        agent = s.task("a").attempts[-1].agent_id
        place = {"at": NOW, "task_key": "a", "agent_id": agent}
        s = evolve(s, e.AttemptLaunched(**place, run_id=f"run-{number + 1}", run_status="RUNNING"))
    assert s.task("b").status is TaskStatus.PENDING


def test_a_nudge_needs_room_in_the_budget_and_asks_for_it() -> None:
    s = a_snapshot(a_running_task(), options=some_options(max_followups=1))
    s = decide(ended(decide(seen_loop(s), NOW).snapshot), NOW).snapshot
    assert s.task("a").attempts[0].count_asked("unstick") == 1
    empty = a_snapshot(a_running_task(), options=some_options(max_agents=1, wall_hours=1.0))
    late = decide(ended(decide(seen_loop(empty), NOW).snapshot), later(hours=2))
    assert late.snapshot.error_code == "wall_budget"
    assert not any(isinstance(event, e.FollowUpRequested) for event in late.events)


def test_a_cancelled_orchestration_ends_in_spite_of_it() -> None:
    s = decide(seen_loop(a_snapshot(a_running_task())), NOW).snapshot
    s = decide(ended(evolve(s, e.CancelRequested(at=NOW, by="ada"))), NOW).snapshot
    assert s.status is OrchestrationStatus.STOPPED
    assert s.task("a").attempts[0].status is AttemptStatus.CANCELLED


@pytest.mark.parametrize(
    "status", [OrchestrationStatus.PAUSED, OrchestrationStatus.BLOCKED, OrchestrationStatus.RUNNING]
)
@pytest.mark.earlier("R-03")
def test_every_look_settles_what_happened_before_anything_starts_and_also_where_nothing_may(
    status: OrchestrationStatus,
) -> None:
    """What ended outside is known and settled, whatever may start now."""
    s = a_snapshot(a_running_task("a", run=a_run("ERROR")), a_task("b"), status=status)
    names = [type(event).__name__ for event in decide(s, NOW).events]
    assert names[0] == "AttemptEnded"
    launches = names.count("AttemptRequested")
    assert launches == (2 if status is OrchestrationStatus.RUNNING else 0)
    looping = seen_loop(a_snapshot(a_running_task(), status=status))
    assert types(looping) == ["RunCancelRequested"], "what goes in circles is stopped although nothing may start"
