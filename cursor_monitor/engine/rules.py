"""The engine's rules: each looks at the whole orchestration and returns the events that follow, or none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cursor_monitor.domain import events as e
from cursor_monitor.domain.ids import attempt_agent_id, followup_id
from cursor_monitor.domain.orchestration import Attempt, LaunchRequest, Snapshot, Task
from cursor_monitor.domain.status import (
    RUN_TERMINAL,
    TASK_TERMINAL,
    AttemptStatus,
    OrchestrationStatus,
    TaskStatus,
    Verdict,
)
from cursor_monitor.engine import plan, prompts
from cursor_monitor.engine.assess import Assessment, assess

Events = Sequence[e.Event]


def cancel_stuck_runs(s: Snapshot, now: datetime) -> Events:
    """Cancel runs without an end for longer than the options allow."""
    stuck = [
        (task, attempt)
        for task, attempt in _live(s)
        if _is_under_way(attempt)
        and attempt.run is not None
        and attempt.cancelling_run_id != attempt.run.id
        and now >= deadline(s, attempt.run.started_at)
    ]
    reason = f"no end after {s.options.timeout_hours:g} h"
    return [_cancel_run(task, attempt, reason, now) for task, attempt in stuck]


def end_failed_attempts(s: Snapshot, now: datetime) -> Events:
    """End the attempts whose run ended any other way than finished."""
    return [
        event
        for task, attempt in _live(s)
        if attempt.run is not None
        and attempt.run.status in RUN_TERMINAL
        and attempt.run.status != "FINISHED"
        and attempt.unsent_followup is None
        for event in _after_failed_run(s, task, attempt, attempt.run.status, now)
    ]


def drop_held_followups(s: Snapshot, now: datetime) -> Events:
    """While cancelling, give up the follow-ups that nobody is about to send."""
    if not s.is_cancelling:
        return []
    return [
        e.FollowUpDropped(
            at=now,
            task_key=task.key,
            agent_id=attempt.agent_id,
            followup_id=attempt.unsent_followup.id,
            reason="cancelled",
        )
        for task, attempt in _live(s)
        if attempt.is_held and attempt.unsent_followup is not None
    ]


def cancel_live_attempts(s: Snapshot, now: datetime) -> Events:
    """While cancelling, cancel what runs and end what does not."""
    if not s.is_cancelling:
        return []
    return [event for task, attempt in _live(s) for event in _cancel_attempt(task, attempt, now)]


def stop(s: Snapshot, now: datetime) -> Events:
    """Once cancelled and nothing is live, end as stopped."""
    if not s.is_cancelling or s.live_attempts:
        return []
    open_tasks = [t for t in s.tasks if t.status not in TASK_TERMINAL]
    cancelled = [e.TaskCancelled(at=now, task_key=t.key) for t in open_tasks]
    return [*cancelled, _ended(s, OrchestrationStatus.STOPPED, now)]


def make_plan(s: Snapshot, now: datetime) -> Events:
    """Turn the request into tasks."""
    if s.is_planned:
        return []
    request = LaunchRequest(s.prompt, s.repository, s.mode, s.name, s.ref, s.model, s.requested_tasks, s.options)
    return [e.PlanMade(at=now, tasks=plan.make_plan(request))]


def ask_for_approval(s: Snapshot, now: datetime) -> Events:
    """Wait for a person where the options want one."""
    if s.options.require_approval and not s.is_approved and s.status is OrchestrationStatus.QUEUED:
        return [e.ApprovalRequested(at=now)]
    return []


def start(s: Snapshot, now: datetime) -> Events:
    """Take it up."""
    return [e.OrchestrationStarted(at=now)] if s.status is OrchestrationStatus.QUEUED else []


def release_held(s: Snapshot, now: datetime) -> Events:
    """Block on what Cursor refused for a reason only a person can mend; once resumed, try it again."""
    held = [(task, attempt) for task, attempt in _live(s) if attempt.is_held]
    return [
        e.AttemptReleased(
            at=now,
            task_key=task.key,
            agent_id=attempt.agent_id,
            followup_id=attempt.unsent_followup.id if attempt.unsent_followup else None,
        )
        for task, attempt in held
    ]


def assess_finished_runs(s: Snapshot, now: datetime) -> Events:
    """Decide about each finished run, from evidence."""
    return [
        event
        for task, attempt in _live(s)
        if attempt.run is not None
        and attempt.run.status == "FINISHED"
        and attempt.assessed_run_id != attempt.run.id
        and attempt.unsent_followup is None
        for event in _after_finished_run(s, task, attempt, now)
    ]


def settle_failed_tasks(s: Snapshot, now: datetime) -> Events:
    """Fail the tasks whose last allowed attempt failed."""
    return [
        e.TaskFailed(at=now, task_key=task.key, error=attempt.error_message or "its agent failed")
        for task in s.tasks
        if task.status is TaskStatus.RUNNING
        and (attempt := task.attempt) is not None
        and not attempt.is_live
        and not _may_try_again(s, task)
    ]


def skip_unreachable_tasks(s: Snapshot, now: datetime) -> Events:
    """Skip the tasks that wait for one which will not complete."""
    events: list[e.Event] = []
    gone = {t.key for t in s.tasks if _is_dead_end(t)}
    changed = True
    while changed:
        changed = False
        for task in s.tasks:
            cause = next((key for key in task.depends_on if key in gone), None)
            if task.status is TaskStatus.PENDING and task.key not in gone and cause is not None:
                events.append(e.TaskSkipped(at=now, task_key=task.key, reason=f"{cause} did not complete"))
                gone.add(task.key)
                changed = True
    return events


def launch_ready_tasks(s: Snapshot, now: datetime) -> Events:
    """Launch what is ready into the free slots, within the budget of agents."""
    ready = [task for task in s.tasks if _is_ready(s, task)]
    free = s.options.max_parallel_agents - len(s.live_attempts)
    used = sum(len(task.attempts) for task in s.tasks)
    allowed = s.allowance or s.options.max_agents
    if ready and allowed is not None and used >= allowed:
        if s.live_attempts:
            return []
        summary = (
            f"All {allowed} agents of the budget are used; resume to allow {s.options.max_agents} more, or cancel."
        )
        return [e.OrchestrationBlocked(at=now, code="agent_budget", summary=summary)]
    if allowed is not None:
        free = min(free, allowed - used)
    return [_launch(s, task, now) for task in ready[: max(free, 0)]]


def finish(s: Snapshot, now: datetime) -> Events:
    """End once every task has ended."""
    if not s.tasks or any(t.status not in TASK_TERMINAL for t in s.tasks) or s.live_attempts:
        return []
    done = [t for t in s.tasks if t.status is TaskStatus.COMPLETED]
    lacking = [t for t in s.tasks if t.status is not TaskStatus.COMPLETED and not t.is_waived]
    if not lacking:
        return [_ended(s, OrchestrationStatus.COMPLETED, now)]
    status = OrchestrationStatus.PARTIAL if done else OrchestrationStatus.ERROR
    first = next((t for t in lacking if t.status is TaskStatus.FAILED), lacking[0])
    summary = (
        f"{len(lacking)} of {len(s.tasks)} tasks did not complete; {first.key}: {first.error_message or first.status}"
    )
    return [_ended(s, status, now, code="tasks_failed", summary=summary)]


def deadline(s: Snapshot, started_at: datetime) -> datetime:
    """When a run that began then is stuck."""
    return started_at + timedelta(hours=s.options.timeout_hours)


def _live(s: Snapshot) -> list[tuple[Task, Attempt]]:
    return [(task, a) for task in s.tasks for a in task.attempts if a.is_live]


def _is_under_way(attempt: Attempt) -> bool:
    return attempt.run is not None and attempt.run.status not in RUN_TERMINAL


def _cancel_attempt(task: Task, attempt: Attempt, now: datetime) -> Events:
    if attempt.status is AttemptStatus.LAUNCHING and attempt.is_held:
        return [_attempt_ended(task, attempt, AttemptStatus.CANCELLED, now)]
    if attempt.status is AttemptStatus.LAUNCHING:
        return []  # the launch itself looks again before it posts, or reports the run to cancel
    if attempt.unsent_followup is not None:
        return []  # likewise
    if _is_under_way(attempt):
        assert attempt.run is not None  # noqa: S101 - what _is_under_way just said
        asked = attempt.cancelling_run_id == attempt.run.id
        return [] if asked else [_cancel_run(task, attempt, "the orchestration is cancelled", now)]
    return [_attempt_ended(task, attempt, AttemptStatus.CANCELLED, now)]


def _after_failed_run(s: Snapshot, task: Task, attempt: Attempt, status: str, now: datetime) -> Events:
    ours = attempt.run is not None and attempt.cancelling_run_id == attempt.run.id
    if status == "CANCELLED" and not ours:
        ended = _attempt_ended(
            task, attempt, AttemptStatus.CANCELLED, now, "cancelled", "its run was cancelled by a person"
        )
        return [ended, e.TaskCancelled(at=now, task_key=task.key)]
    if s.is_cancelling:
        return [_attempt_ended(task, attempt, AttemptStatus.CANCELLED, now)]
    code, error = {
        "CANCELLED": ("timeout", f"no end after {s.options.timeout_hours:g} h, so its run was cancelled"),
        "EXPIRED": ("expired", "its run expired at Cursor"),
    }.get(status, ("run_error", "its run ended in an error; Cursor gives no cause"))
    return [_attempt_ended(task, attempt, AttemptStatus.FAILED, now, code, error, may_retry=True)]


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
        ended = _attempt_ended(task, attempt, AttemptStatus.SUCCEEDED, now)
        score, coverage = made.score.value, made.score.coverage
        done = e.TaskCompleted(at=now, task_key=task.key, quality_score=score, quality_coverage=coverage)
        return [ended, done]
    if made.verdict is Verdict.GIVE_UP:
        return [_attempt_ended(task, attempt, AttemptStatus.FAILED, now, "gave_up", made.reason)]
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


def _launch(s: Snapshot, task: Task, now: datetime) -> e.Event:
    number = len(task.attempts) + 1
    return e.AttemptRequested(
        at=now,
        task_key=task.key,
        agent_id=attempt_agent_id(s.id, task.key, number),
        number=number,
        name=plan.first_line(task.title),
        prompt=prompts.task_prompt(s, task),
        ref=prompts.starting_ref(s, task),
        model=task.model or s.model,
    )


def _is_ready(s: Snapshot, task: Task) -> bool:
    if task.status is TaskStatus.RUNNING:
        attempt = task.attempt
        return attempt is not None and not attempt.is_live and _may_try_again(s, task)
    if task.status is not TaskStatus.PENDING:
        return False
    return all(_is_satisfied(s.task(key)) for key in task.depends_on)


def _may_try_again(s: Snapshot, task: Task) -> bool:
    allowed = task.attempts_allowed or s.options.max_attempts
    return task.attempt is not None and task.attempt.may_retry and len(task.attempts) < allowed


def _is_satisfied(task: Task) -> bool:
    return task.status is TaskStatus.COMPLETED or (task.status is TaskStatus.SKIPPED and task.is_waived)


def _is_dead_end(task: Task) -> bool:
    return task.status in TASK_TERMINAL and not _is_satisfied(task)


def _cancel_run(task: Task, attempt: Attempt, reason: str, now: datetime) -> e.Event:
    assert attempt.run is not None  # noqa: S101 - callers look first
    return e.RunCancelRequested(
        at=now, task_key=task.key, agent_id=attempt.agent_id, run_id=attempt.run.id, reason=reason
    )


def _attempt_ended(
    task: Task,
    attempt: Attempt,
    status: AttemptStatus,
    now: datetime,
    code: str | None = None,
    error: str | None = None,
    *,
    may_retry: bool = False,
) -> e.Event:
    return e.AttemptEnded(
        at=now,
        task_key=task.key,
        agent_id=attempt.agent_id,
        status=status,
        code=code,
        error=error,
        may_retry=may_retry,
    )


def _ended(
    s: Snapshot,
    status: OrchestrationStatus,
    now: datetime,
    *,
    code: str | None = None,
    summary: str | None = None,
) -> e.Event:
    scores = [t.quality_score for t in s.tasks if t.quality_score is not None]
    coverages = [t.quality_coverage or 0 for t in s.tasks if t.status is TaskStatus.COMPLETED]
    return e.OrchestrationEnded(
        at=now,
        status=status,
        quality_score=round(sum(scores) / len(scores)) if scores else None,
        quality_coverage=round(sum(coverages) / len(coverages)) if coverages else None,
        error_code=code,
        error_summary=summary,
    )
