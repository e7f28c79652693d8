"""What each task did when: no stretch overlaps, none is lost, every word says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.domain import events as e
from cursor_monitor.domain.gantt import WHOLE, Kind, Row, chart, rows
from cursor_monitor.domain.orchestration import REVIEW
from cursor_monitor.domain.status import AttemptStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
WAITS = {"a": (), "b": ("a",)}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def requested(second: float, key: str, role: str = "work") -> e.AttemptRequested:
    return e.AttemptRequested(
        at=at(second),
        task_key=key,
        agent_id=f"bc-{key}",
        number=1,
        name=key,
        prompt="",
        ref=None,
        model=None,
        role=role,
    )


def launched(second: float, key: str) -> e.AttemptLaunched:
    return e.AttemptLaunched(at=at(second), task_key=key, agent_id=f"bc-{key}", run_id="r", run_status="CREATING")


def finished(second: float, key: str) -> e.RunObserved:
    return e.RunObserved(at=at(second), task_key=key, agent_id=f"bc-{key}", run_id="r", run_status="FINISHED")


def completed(second: float, key: str) -> e.TaskCompleted:
    return e.TaskCompleted(at=at(second), task_key=key, quality_score=90, quality_coverage=50)


WHOLE_STORY = [
    e.PlanMade(at=at(0), tasks=()),
    requested(2, "a"),
    launched(3, "a"),
    finished(10, "a"),
    e.FollowUpRequested(at=at(11), task_key="a", agent_id="bc-a", followup_id="f", asks="tests", prompt=""),
    e.FollowUpSent(at=at(12), task_key="a", agent_id="bc-a", followup_id="f", run_id="r2", run_status="CREATING"),
    finished(20, "a"),
    requested(21, "a", REVIEW),
    launched(22, "a"),
    finished(25, "a"),
    completed(26, "a"),
    e.OrchestrationPaused(at=at(27), by="Ada"),
    e.OrchestrationResumed(at=at(37), by="Ada"),
    requested(40, "b"),
    launched(41, "b"),
]


def words(row: Row) -> list[tuple[Kind, str, float, float | None]]:
    def second(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - START).total_seconds()

    return [(one.kind, one.words, second(one.start) or 0.0, second(one.end)) for one in row.stretches]


def test_a_task_waits_runs_is_judged_and_reviewed() -> None:
    whole, a, b = rows(WHOLE_STORY, WAITS)
    assert words(whole) == [(Kind.PAUSED, "paused by Ada", 27, 37)]
    assert words(a) == [
        (Kind.WAIT, "waits for a slot", 0, 2),
        (Kind.LAUNCH, "agent 1 is being launched", 2, 3),
        (Kind.RUN, "agent 1, run 1", 3, 10),
        (Kind.JUDGE, "run finished, being judged", 10, 11),
        (Kind.LAUNCH, "a follow-up (tests) is on its way", 11, 12),
        (Kind.RUN, "agent 1, run 2", 12, 20),
        (Kind.JUDGE, "run finished, being judged", 20, 21),
        (Kind.LAUNCH, "a reviewer is being launched", 21, 22),
        (Kind.REVIEW, "reviewer", 22, 25),
        (Kind.JUDGE, "run finished, being judged", 25, 26),
    ]
    assert words(b) == [
        (Kind.WAIT, "waits for a", 0, 26),
        (Kind.WAIT, "waits for a slot", 26, 40),
        (Kind.LAUNCH, "agent 1 is being launched", 40, 41),
        (Kind.RUN, "agent 1, run 1", 41, None),
    ]


def test_what_goes_on_is_drawn_up_to_now_and_the_axis_covers_it() -> None:
    drawn = chart(rows(WHOLE_STORY, WAITS), at(100))
    bars = {row.key: bars for row, bars in drawn.rows}
    assert (bars["b"][-1].left, bars["b"][-1].width) == (41, 59)
    assert [(tick.left, tick.word) for tick in drawn.ticks][:3] == [(0, "0 s"), (15, "15 s"), (30, "30 s")]
    assert (bars[WHOLE][0].left, bars[WHOLE][0].width) == (27, 10)
    assert chart((), at(0)).rows == ()


def test_the_chain_that_decided_the_end_is_critical() -> None:
    story = [
        e.PlanMade(at=at(0), tasks=()),
        *(made for key in "acb" for made in (requested(1, key), launched(2, key))),
        completed(5, "c"),
        completed(10, "a"),
        completed(30, "b"),
    ]
    waits = {"a": (), "c": (), "b": ("a", "c")}
    assert {row.key: row.is_critical for row in rows(story, waits)} == {"a": True, "c": False, "b": True}


def test_a_task_that_was_tried_again_goes_on_after_its_end() -> None:
    story = [
        requested(1, "a"),
        e.AttemptHeld(at=at(2), task_key="a", agent_id="bc-a", code="usage_limit", error="no more today"),
        e.AttemptReleased(at=at(5), task_key="a", agent_id="bc-a"),
        e.AttemptEnded(at=at(6), task_key="a", agent_id="bc-a", status=AttemptStatus.FAILED),
        e.TaskFailed(at=at(7), task_key="a", error="no"),
        e.TaskRetried(at=at(20), task_key="a", by="Ada"),
    ]
    assert [one[:1] + one[2:] for one in words(rows(story, {"a": ()})[0])] == [
        (Kind.LAUNCH, 1, 2),
        (Kind.HELD, 2, 5),
        (Kind.LAUNCH, 5, 6),
        (Kind.WAIT, 6, 7),
        (Kind.WAIT, 20, None),
    ]


@given(st.lists(st.sampled_from(range(len(WHOLE_STORY))), max_size=30), st.integers(0, 40))
def test_whatever_happened_in_whatever_order_no_bar_overlaps_or_leaves_the_drawing(order: list[int], step: int) -> None:
    story = [replace(WHOLE_STORY[index], at=at(number * step)) for number, index in enumerate(order)]
    made = rows(story, WAITS)
    for row in made:
        for one, following in pairwise(row.stretches):
            assert one.end is not None
            assert one.start < one.end <= following.start
    for _, bars in chart(made, at(len(order) * step)).rows:
        assert all(bar.left >= 0 and bar.left + bar.width <= 100.01 for bar in bars)
