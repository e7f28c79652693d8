"""Merge steps: put in where several branches meet, left out where there is nothing to merge, failed on conflicts."""

from __future__ import annotations

from typing import Any

import pytest

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Report, Snapshot
from cursor_monitor.domain.status import OrchestrationStatus, TaskStatus
from cursor_monitor.engine import decide
from cursor_monitor.engine.plan_merge import with_merge_steps, without_merge_steps
from tests.builders import NOW, a_completed_task, a_planned_task, a_run, a_running_task, a_snapshot, a_task

DIAMOND = (a_planned_task("a"), a_planned_task("b"), a_planned_task("c", ("a", "b")))


def meeting(a: str | None, b: str | None, **merge: Any) -> Snapshot:
    """Two completed tasks with these branches, the step that merges them, and what waits for it."""
    step = a_task("merge-c", depends_on=("a", "b"), is_merge=True, **merge)
    done = [a_completed_task("a", branch=a), a_completed_task("b", branch=b)]
    return a_snapshot(*done, step, a_task("c", depends_on=("merge-c",)))


def launched(s: Snapshot) -> list[e.AttemptRequested]:
    return [event for event in decide(s, NOW).events if isinstance(event, e.AttemptRequested)]


def test_a_step_stands_before_what_waits_for_several() -> None:
    planned = with_merge_steps(DIAMOND)
    assert [(t.key, t.depends_on, t.is_merge) for t in planned] == [
        ("a", (), False),
        ("b", (), False),
        ("merge-c", ("a", "b"), True),
        ("c", ("merge-c",), False),
    ]
    assert with_merge_steps(planned) == planned, "once is enough"
    assert without_merge_steps(planned) == DIAMOND


def test_a_step_never_takes_the_key_of_another_task() -> None:
    planned = with_merge_steps([*DIAMOND, a_planned_task("merge-c")])
    assert [t.key for t in planned if t.is_merge] == ["merge-c-2"]


def test_the_step_is_told_which_branches_and_the_next_task_starts_from_its_own() -> None:
    (step,) = launched(meeting("cursor/a", "cursor/b"))
    assert (step.task_key, step.ref) == ("merge-c", "cursor/a")
    assert "You start from cursor/a. Merge into it: cursor/b." in step.prompt
    merged = a_completed_task("merge-c", depends_on=("a", "b"), is_merge=True, branch="cursor/m")
    done = [a_completed_task("a", branch="cursor/a"), a_completed_task("b", branch="cursor/b"), merged]
    (after,) = launched(a_snapshot(*done, a_task("c", depends_on=("merge-c",))))
    assert (after.task_key, after.ref, "merge these branches" in after.prompt) == ("c", "cursor/m", False)


@pytest.mark.parametrize(("a", "b", "ref"), [("cursor/a", None, "cursor/a"), (None, None, "main"), ("x", "x", "x")])
def test_where_there_is_nothing_to_merge_no_agent_is_paid_for_it(a: str | None, b: str | None, ref: str) -> None:
    (after,) = launched(meeting(a, b))
    assert (after.task_key, after.ref) == ("c", ref)


def test_a_conflict_is_the_failure_of_the_step_with_its_text() -> None:
    report = Report(done=("a merged",), remaining=("CONFLICT: cursor/b, src/app.py, lines 3-9: a adds, b removes.",))
    step = a_running_task("merge-c", depends_on=("a", "b"), run=a_run(report=report))
    s = a_snapshot(
        a_completed_task("a", branch="cursor/a"),
        a_completed_task("b", branch="cursor/b"),
        a_task("merge-c", *step.attempts, depends_on=("a", "b"), is_merge=True),
        a_task("c", depends_on=("merge-c",)),
    )
    after = decide(s, NOW).snapshot
    assert after.task("merge-c").status is TaskStatus.FAILED
    assert "src/app.py, lines 3-9: a adds, b removes" in (after.task("merge-c").error_message or "")
    assert after.task("c").status is TaskStatus.SKIPPED
    assert after.status is OrchestrationStatus.PARTIAL
    assert "src/app.py" in (after.error_summary or "")
