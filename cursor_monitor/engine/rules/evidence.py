"""What follows from a finished run."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.ids import followup_id
from cursor_monitor.domain.orchestration import Attempt, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, Verdict
from cursor_monitor.engine.assess import Assessment, assess
from cursor_monitor.engine.rules.common import Events, attempt_ended, live


def assess_finished_runs(s: Snapshot, now: datetime) -> Events:
    """Decide about each finished run, from evidence."""
    return [
        event
        for task, attempt in live(s)
        if attempt.run is not None
        and attempt.run.status == "FINISHED"
        and attempt.assessed_run_id != attempt.run.id
        and attempt.unsent_followup is None
        for event in _after_finished_run(s, task, attempt, now)
    ]


def _after_finished_run(s: Snapshot, task: Task, attempt: Attempt, now: datetime) -> Events:
    assert attempt.run is not None  # noqa: S101 - the rule picked those with a finished run
    made = assess(attempt, attempt.run, s.options)
    assessed = e.RunAssessed(
        at=now,
        task_key=task.key,
        agent_id=attempt.agent_id,
        run_id=attempt.run.id,
        verdict=made.verdict,
        reason=made.reason,
        quality_score=made.score.value,
        quality_coverage=made.score.coverage,
        evidence=made.score.evidence,
    )
    return [assessed, *_consequences(task, attempt, made, now)]


def _consequences(task: Task, attempt: Attempt, made: Assessment, now: datetime) -> Events:
    if made.verdict is Verdict.COMPLETE:
        ended = attempt_ended(task, attempt, AttemptStatus.SUCCEEDED, now)
        score, coverage = made.score.value, made.score.coverage
        done = e.TaskCompleted(at=now, task_key=task.key, quality_score=score, quality_coverage=coverage)
        return [ended, done]
    if made.verdict is Verdict.GIVE_UP:
        return [attempt_ended(task, attempt, AttemptStatus.FAILED, now, "gave_up", made.reason)]
    return [
        e.FollowUpRequested(
            at=now,
            task_key=task.key,
            agent_id=attempt.agent_id,
            followup_id=followup_id(attempt.agent_id, attempt.iterations + 1),
            asks=made.asks or "work",
            prompt=made.prompt or "",
        )
    ]
