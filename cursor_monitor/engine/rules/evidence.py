"""What follows from a finished run."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CHECKS_UNKNOWN
from cursor_monitor.domain.ids import followup_id
from cursor_monitor.domain.orchestration import PLANNER_KEY, WORK, Attempt, Snapshot, Task
from cursor_monitor.domain.status import (
    AttemptStatus,
    Verdict,
)
from cursor_monitor.engine.assess import Assessment, assess
from cursor_monitor.engine.budgets import Closed, closed_for
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.gates import Waits
from cursor_monitor.engine.rules.common import Events, attempt_ended, live


def assess_finished_runs(s: Snapshot, now: datetime) -> Events:
    """Decide about each finished run, from evidence; where it is to go on, only within what is allowed in all."""
    events: list[e.Event] = []
    closed: Closed | None = None
    for task, attempt in live(s):
        if task.key == PLANNER_KEY or not _is_to_be_assessed(attempt):
            continue
        made = _made(s, attempt)
        if isinstance(made, Waits):
            closed = closed or _no_end(task, made, now)
            continue
        after = _after_finished_run(task, attempt, made, now)
        if any(isinstance(event, e.FollowUpRequested) for event in after):
            refused = closed_for(s, now, followups=1)
            if refused is not None:
                closed = closed or refused
                continue
        for event in after:
            s = evolve(s, event)
        events += after
    if closed is not None and not closed.waits and not any(a.is_busy for a in s.live_attempts):
        events.append(e.OrchestrationBlocked(at=now, code=closed.code, summary=closed.summary))
    return events


def _is_to_be_assessed(attempt: Attempt) -> bool:
    run = attempt.run
    if attempt.role != WORK or run is None or run.status != "FINISHED" or attempt.unsent_followup is not None:
        return False
    return attempt.assessed_run_id != run.id


def check_times(s: Snapshot) -> list[datetime]:
    """When a person is asked about checks that have not ended by then."""
    made = [_made(s, attempt) for _, attempt in live(s) if _is_to_be_assessed(attempt)]
    return [waits.until for waits in made if isinstance(waits, Waits)]


def _made(s: Snapshot, attempt: Attempt) -> Assessment | Waits:
    assert attempt.run is not None  # noqa: S101 - the rule picked those with a finished run
    return assess(s, attempt, attempt.run)


def _no_end(task: Task, waits: Waits, now: datetime) -> Closed | None:
    if now < waits.until:
        return None
    summary = f"Task {task.key} is done by its own word, but {waits.why}. Resume to accept it without, or cancel."
    return Closed(CHECKS_UNKNOWN, summary)


def _after_finished_run(task: Task, attempt: Attempt, made: Assessment, now: datetime) -> Events:
    assert attempt.run is not None  # noqa: S101 - the rule picked those with a finished run
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
        complaint=made.complaint,
    )
    return [assessed, *_consequences(task, attempt, made, now)]


def _consequences(task: Task, attempt: Attempt, made: Assessment, now: datetime) -> Events:
    if made.verdict is Verdict.COMPLETE:
        ended = attempt_ended(task, attempt, AttemptStatus.SUCCEEDED, now)
        score, coverage = made.score.value, made.score.coverage
        done = e.TaskCompleted(at=now, task_key=task.key, quality_score=score, quality_coverage=coverage)
        return [ended, done]
    if made.verdict is Verdict.REVIEW:
        return []
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
