"""What an event changes: folding an orchestration's events rebuilds its state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import CHOICE, CODES, COST_UNKNOWN, STUCK, WAIVABLE
from cursor_monitor.domain.orchestration import (
    PLANNER_KEY,
    REVIEW,
    WORK,
    Attempt,
    Followup,
    PlanTask,
    RunFacts,
    Snapshot,
    Stuck,
    Task,
)
from cursor_monitor.domain.status import (
    OPEN_AGAIN,
    ORCHESTRATION_TERMINAL,
    RUN_TERMINAL,
    TASK_TERMINAL,
    AttemptStatus,
    OrchestrationStatus,
    TaskStatus,
)

COMPLAINTS = 10  # kept of an attempt


def rebuild(orchestration_id: str, history: Iterable[e.Event]) -> Snapshot:
    """The state after all events, of which the first is OrchestrationRequested."""
    events = iter(history)
    first = next(events)
    if not isinstance(first, e.OrchestrationRequested):
        raise ValueError(f"the first event must be OrchestrationRequested, not {type(first).__name__}")
    snapshot = begin(orchestration_id, first)
    for event in events:
        snapshot = evolve(snapshot, event)
    return snapshot


def begin(orchestration_id: str, event: e.OrchestrationRequested) -> Snapshot:
    """The state after the first event."""
    return Snapshot(
        id=orchestration_id,
        name=event.name,
        status=OrchestrationStatus.QUEUED,
        mode=event.mode,
        repository=event.repository,
        ref=event.ref,
        prompt=event.prompt,
        model=event.model,
        options=event.options,
        created_at=event.at,
        created_by=event.by,
        account_id=event.account_id,
        requested_tasks=event.tasks,
        seq=1,
    )


def evolve(snapshot: Snapshot, event: e.Event) -> Snapshot:
    """The state after one more event."""
    changed = _task_event(snapshot, event) if isinstance(event, e.TaskEvent) else _whole(snapshot, event)
    return replace(changed, seq=snapshot.seq + 1)


def _whole(s: Snapshot, event: e.Event) -> Snapshot:
    match event:
        case e.PlanMade():
            planner = replace(s.planner, status=TaskStatus.COMPLETED, completed_at=event.at) if s.planner else None
            tasks = tuple(map(_planned, event.tasks))
            return replace(s, tasks=tasks, planner=planner, is_planned=True, plan_source=event.source)
        case e.PlannerRequested():
            return replace(s, planner=Task(PLANNER_KEY, "Plan the work", ""))
        case e.ApprovalRequested():
            return replace(s, status=OrchestrationStatus.WAITING)
        case e.ChoiceRequested():
            return replace(s, status=OrchestrationStatus.WAITING, error_code=CHOICE, error_summary=event.summary)
        case e.PlanEdited():
            return replace(s, tasks=tuple(map(_planned, event.tasks)), plan_source="person")
        case e.PlanApproved():
            return replace(_going_on(s), is_approved=True)
        case e.OrchestrationStarted():
            return replace(s, status=OrchestrationStatus.RUNNING, started_at=s.started_at or event.at)
        case e.OrchestrationPaused():
            return replace(s, status=OrchestrationStatus.PAUSED)
        case e.OrchestrationResumed():
            waived = (s.error_code,) if s.error_code in WAIVABLE and s.error_code not in s.warned else ()
            after = replace(_going_on(s), allowance=event.allowance or s.allowance, warned=(*s.warned, *waived))
            return _one_more_try(after) if s.error_code == STUCK else after
        case e.OrchestrationBlocked():
            return replace(s, status=OrchestrationStatus.BLOCKED, error_code=event.code, error_summary=event.summary)
        case e.BudgetNear():
            return replace(s, warned=(*s.warned, event.budget))
        case e.BudgetChanged():
            return _with_budget(s, event)
        case e.ProfileApplied():
            rules = {"required_checks": event.required_checks, "protected_paths": event.protected_paths}
            return replace(s, options=replace(s.options, **rules))
        case e.CancelRequested():
            return replace(s, is_cancelling=True)
        case e.OrchestrationRetried():
            return _retried(s, event.task_keys)
        case e.OrchestrationEnded():
            return replace(
                s,
                status=event.status,
                quality_score=event.quality_score,
                quality_coverage=event.quality_coverage,
                error_code=event.error_code,
                error_summary=event.error_summary,
                completed_at=event.at,
            )
        case _:
            raise ValueError(f"no rule to fold {type(event).__name__}")


def _planned(p: PlanTask) -> Task:
    return Task(p.key, p.title, p.prompt, p.depends_on, p.model, p.ref, p.is_merge, p.candidate_of)


def _going_on(s: Snapshot) -> Snapshot:
    status = OrchestrationStatus.RUNNING if s.started_at else OrchestrationStatus.QUEUED
    return replace(s, status=status, error_code=None, error_summary=None)


def _one_more_try(s: Snapshot) -> Snapshot:
    """One more agent for each task whose last one went in circles."""
    for task in s.tasks:
        newest = task.attempt
        if task.status is TaskStatus.RUNNING and newest and not newest.is_live and newest.error_code == STUCK:
            s = s.with_task(replace(task, attempts_allowed=task.tries + 1))
    return s


def _with_budget(s: Snapshot, event: e.BudgetChanged) -> Snapshot:
    limits = {name: allowed if name == "wall_hours" else int(allowed) for name, allowed in event.limits.items()}
    warned = tuple(name for name in s.warned if name not in limits)
    allowance = None if "max_agents" in limits else s.allowance
    changed = replace(s, options=replace(s.options, **limits), warned=warned, allowance=allowance)
    is_freed = s.status is OrchestrationStatus.BLOCKED and s.error_code in {*CODES.values(), COST_UNKNOWN}
    return _going_on(changed) if is_freed else changed


def _retried(s: Snapshot, keys: tuple[str, ...]) -> Snapshot:
    s = replace(_going_on(s), is_cancelling=False, completed_at=None, quality_score=None, quality_coverage=None)
    for key in keys:
        s = s.with_task(_retried_task(s, s.task(key)))
    return s if s.is_planned or s.planner is None else s.with_task(_retried_task(s, s.planner))


def _retried_task(s: Snapshot, task: Task) -> Task:
    allowed = max(s.options.max_attempts, task.tries + 1)
    return replace(_reopened(task), attempts_allowed=allowed)


def _reopened(task: Task) -> Task:
    return replace(
        task,
        status=TaskStatus.PENDING,
        is_waived=False,
        kept=None,
        kept_reason=None,
        error_message=None,
        completed_at=None,
        quality_score=None,
        quality_coverage=None,
    )


def _task_event(s: Snapshot, event: e.TaskEvent) -> Snapshot:
    task = s.task(event.task_key)
    match event:
        case e.AttemptEvent():
            after = s.with_task(_attempt_event(task, event))
            return _chosen_or_changed(after) if isinstance(event, e.FollowUpRequested) else after
        case e.TaskCompleted():
            task = _ended(task, TaskStatus.COMPLETED, event)
            score, coverage = event.quality_score, event.quality_coverage
            return s.with_task(replace(task, quality_score=score, quality_coverage=coverage))
        case e.TaskFailed():
            return s.with_task(replace(_ended(task, TaskStatus.FAILED, event), error_message=event.error))
        case e.TaskSkipped():
            waived = event.by is not None
            task = _ended(task, TaskStatus.SKIPPED, event)
            return s.with_task(replace(task, is_waived=waived, error_message=event.reason))
        case e.TaskCancelled():
            return s.with_task(_ended(task, TaskStatus.CANCELLED, event))
        case e.TaskRetried():
            for one in _retried_with(s, task):
                s = s.with_task(_retried_task(s, one))
            return _retried(s, ()) if s.status in ORCHESTRATION_TERMINAL else _chosen_or_changed(s)
        case e.CandidateKept():
            return _with_kept(s, task, event)
        case _:
            raise ValueError(f"no rule to fold {type(event).__name__}")


def _retried_with(s: Snapshot, task: Task) -> tuple[Task, ...]:
    """The task, and what has to be open with it: a candidate's task, or the candidates of a task that has some."""
    if task.candidate_of is not None:
        of = s.task(task.candidate_of)
        return (task, of) if of.status in OPEN_AGAIN else (task,)
    return (task, *(one for one in s.candidates(task.key) if one.status in OPEN_AGAIN))


def _with_kept(s: Snapshot, task: Task, event: e.CandidateKept) -> Snapshot:
    chosen = s.task(event.kept)
    kept = replace(task, kept=chosen.key, kept_reason=event.reason, branch=chosen.branch, pr_url=chosen.pr_url)
    return _chosen_or_changed(s.with_task(replace(kept, started_at=chosen.started_at)))


def _chosen_or_changed(s: Snapshot) -> Snapshot:
    """Going on where a person's choice was waited for: it is made, or is another by now."""
    return _going_on(s) if s.status is OrchestrationStatus.WAITING and s.error_code == CHOICE else s


def _ended(task: Task, status: TaskStatus, event: e.TaskEvent) -> Task:
    return replace(task, status=status, completed_at=event.at)


def _attempt_event(task: Task, event: e.AttemptEvent) -> Task:
    if isinstance(event, e.AttemptRequested):
        return _attempt_requested(task, event)
    attempt = next(a for a in task.attempts if a.agent_id == event.agent_id)
    if isinstance(event, e.RunObserved) and attempt.role == WORK:
        task = replace(task, branch=event.branch or task.branch, pr_url=event.pr_url or task.pr_url)
    if isinstance(event, e.FollowUpRequested) and task.status in TASK_TERMINAL:
        task = replace(_reopened(task), status=TaskStatus.RUNNING)
    return task.with_attempt(_attempt_after(attempt, event))


def _attempt_requested(task: Task, event: e.AttemptRequested) -> Task:
    attempt = Attempt(
        event.agent_id,
        event.number,
        AttemptStatus.LAUNCHING,
        event.at,
        role=event.role,
        reviews_run_id=event.reviews_run_id,
    )
    if event.role == REVIEW:
        return replace(task, attempts=(*task.attempts, attempt))
    return replace(
        task,
        status=TaskStatus.RUNNING,
        attempts=(*task.attempts, attempt),
        branch=None,
        pr_url=None,
        error_message=None,
        started_at=task.started_at or event.at,
    )


def _attempt_after(a: Attempt, event: e.AttemptEvent) -> Attempt:
    match event:
        case e.AttemptLaunched():
            run = _begun_run(event.run_id, event.run_status, event.at) if event.run_id else None
            return replace(a, status=AttemptStatus.RUNNING, run=run, is_held=False)
        case e.AttemptHeld():
            return replace(a, is_held=True, error_code=event.code, error_message=event.error)
        case e.AttemptReleased():
            return replace(a, is_held=False, error_code=None, error_message=None)
        case e.AttemptEnded():
            return replace(
                a,
                status=event.status,
                is_held=False,
                may_retry=event.may_retry,
                error_code=event.code,
                error_message=event.error,
            )
        case e.RunObserved():
            started = a.run.started_at if a.run and a.run.id == event.run_id else event.at
            ended = event.at if event.run_status in RUN_TERMINAL else None
            seen = RunFacts(event.run_id, event.run_status, started, event.result, event.report, ended, event.review)
            return replace(a, run=seen)
        case e.CodeHostObserved():
            return replace(a, code_host=event.facts)
        case e.UsageObserved():
            return replace(a, cents=a.cents if event.cents is None else event.cents, costed_run_id=event.run_id)
        case e.RunAssessed():
            complaints = (*a.complaints, event.complaint)[-COMPLAINTS:] if event.complaint else ()
            return replace(a, assessed_run_id=event.run_id, complaints=complaints)
        case e.PlanProposed() | e.PlanRejected():
            read = replace(a.run, result=None) if a.run else None  # a plan's text is long, and the event tells of it
            return replace(a, run=read, assessed_run_id=event.run_id)
        case e.LoopDetected():
            return replace(a, stuck=Stuck(event.run_id, event.kind, event.count, event.action, event.is_certain))
        case e.RunCancelRequested():
            stuck = replace(a.stuck, is_stopped=True) if a.stuck and event.is_for_loop else a.stuck
            return replace(a, cancelling_run_id=event.run_id, stuck=stuck)
        case e.FollowUpRequested():
            followup = Followup(event.followup_id, event.asks, event.at)
            return replace(a, status=AttemptStatus.RUNNING, followups=(*a.followups, followup))
        case e.FollowUpSent():
            followups = tuple(replace(f, run_id=event.run_id) if f.id == event.followup_id else f for f in a.followups)
            run = _begun_run(event.run_id, event.run_status, event.at)
            return replace(a, run=run, followups=followups, is_held=False)
        case e.FollowUpDropped():
            followups = tuple(replace(f, is_dropped=True) if f.id == event.followup_id else f for f in a.followups)
            return replace(a, followups=followups, is_held=False, assessed_run_id=None)
        case _:
            raise ValueError(f"no rule to fold {type(event).__name__}")


def _begun_run(run_id: str, status: str, at: datetime) -> RunFacts:
    # A launch found again after a lost answer may be over by then; its end counts once it is observed with its result.
    return RunFacts(run_id, "RUNNING" if status in RUN_TERMINAL else status, at)
