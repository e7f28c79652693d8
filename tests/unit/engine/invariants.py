"""What must hold of every decision, whatever happened before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cursor_monitor.domain import events as e
from cursor_monitor.domain.budgets import COST_UNKNOWN
from cursor_monitor.domain.orchestration import PLANNER_KEY, REVIEW, WORK, Snapshot, Task
from cursor_monitor.domain.status import TASK_TERMINAL, AttemptStatus, OrchestrationStatus, TaskStatus
from cursor_monitor.engine import Decision, decide
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.plan_candidates import agents_in
from cursor_monitor.engine.plan_check import check_dependencies

MAY_START = frozenset({OrchestrationStatus.QUEUED, OrchestrationStatus.RUNNING})


def check_decision(before: Snapshot, decision: Decision, now: datetime) -> None:
    """Check one decision against the state it was made from."""
    assert decide(before, now) == decision, "the same snapshot must give the same decision"
    again = decide(decision.snapshot, now)
    assert (again.events, again.snapshot) == ((), decision.snapshot), f"deciding again must change nothing: {again}"
    _check_steps(before, decision, now)
    _check_terminal_tasks_are_left_alone(before, decision.snapshot)
    _check_parallel_cap(before, decision)
    _check_agents(decision.snapshot)
    _check_end(before, decision)


def is_satisfied(task: Task) -> bool:
    """Done, or left out by a person."""
    return task.status is TaskStatus.COMPLETED or (task.status is TaskStatus.SKIPPED and task.is_waived)


def _check_steps(before: Snapshot, decision: Decision, now: datetime) -> None:
    state = before
    for event in decision.events:
        _check_event(state, event, now)
        state = evolve(state, event)
    assert state == decision.snapshot, "the decision's state must be its events folded in"


def _check_event(s: Snapshot, event: e.Event, now: datetime) -> None:
    if isinstance(event, e.AttemptRequested):
        _check_may_start(s)
        _check_may_spend(s, now)
        task = s.task(event.task_key)
        assert task.status in (TaskStatus.PENDING, TaskStatus.RUNNING)
        assert event.number == len(task.attempts) + 1
        if event.role == REVIEW:
            _check_review(s, task, event)
            return
        assert event.model == (task.model or s.model), "the person's model must reach every agent"
        assert task.key != PLANNER_KEY or not s.is_planned, "a planner for what is planned"
        if task.status is TaskStatus.PENDING:
            assert all(is_satisfied(s.task(key)) for key in task.depends_on), "started before its dependencies"
    if isinstance(event, e.PlanMade):
        _check_plan(s, event)
    if isinstance(event, e.FollowUpRequested):
        _check_may_start(s)
        _check_may_spend(s, now)
        attempt = _attempt(s, event)
        assert attempt.is_live
        assert attempt.unsent_followup is None
        assert attempt.iterations < s.options.max_iterations, "a follow-up beyond the cap"
        assert attempt.run is not None
        assert attempt.run.status == "FINISHED" or attempt.is_stopped_for_loop
        assert event.asks != "unstick" or attempt.count_asked("unstick") < s.options.max_nudges
    if isinstance(event, e.CandidateKept):
        _check_kept(s, event)
    if isinstance(event, e.TaskCompleted):
        _check_completed(s, event)
    if isinstance(event, e.RunCancelRequested):
        assert _attempt(s, event).cancelling_run_id != event.run_id, "one run cancelled twice"
    if isinstance(event, e.AttemptEnded):
        assert _attempt(s, event).is_live, "an attempt ended twice"


def _check_plan(s: Snapshot, event: e.PlanMade) -> None:
    assert not s.is_planned, "planned twice"
    assert not s.live_attempts, "planned while the planner is at work"
    check_dependencies(event.tasks)
    if event.source == "planner":
        allowed = s.allowance or s.options.max_agents
        most = None if allowed is None else max(s.options.best_of, allowed - 1)
        assert most is None or agents_in(event.tasks) <= most, "a plan beyond the budget of agents"
        ours = (None, *s.options.models)
        assert all(task.model in ours and task.ref is None for task in event.tasks), "not for the planner to choose"


def _check_review(s: Snapshot, task: Task, event: e.AttemptRequested) -> None:
    assert s.options.reviewer
    worker = task.attempt
    assert worker is not None
    assert worker.is_live
    assert worker.run is not None
    assert (worker.run.status, worker.run.id) == ("FINISHED", event.reviews_run_id)
    same_head = [a for a in task.attempts if a.reviews_run_id == event.reviews_run_id]
    assert not any(a.is_live or a.status is AttemptStatus.SUCCEEDED for a in same_head), "two reviewers of one head"


def _check_kept(s: Snapshot, event: e.CandidateKept) -> None:
    candidates = s.candidates(event.task_key)
    assert s.task(event.task_key).status is TaskStatus.PENDING, "chosen twice"
    assert all(one.status in TASK_TERMINAL for one in candidates), "chosen while a candidate is under way"
    completed = [one for one in candidates if one.status is TaskStatus.COMPLETED]
    assert event.kept in {one.key for one in completed}, "kept what did not complete"
    assert len(completed) == 1 or not s.options.choose_by_hand, "chosen in the place of a person"
    best = max(-1 if one.quality_score is None else one.quality_score for one in completed)
    assert best in (-1, s.task(event.kept).quality_score), "kept less than the best"
    keepers = {attempt.agent_id for attempt in s.task(event.kept).attempts}
    assert not keepers & set(event.archived), "archived what is kept"


def _check_completed(s: Snapshot, event: e.TaskCompleted) -> None:
    task = s.task(event.task_key)
    if task.key in s.with_candidates:
        assert task.kept is not None, "completed without a choice"
    elif s.options.reviewer:
        worker = task.attempt
        assert worker is not None
        assert worker.run is not None
        reviews = [a for a in task.attempts if a.reviews_run_id == worker.run.id and a.run is not None]
        verdicts = [a.run.review for a in reviews if a.run is not None and a.run.review is not None]
        assert verdicts, "completed without a verdict"
        assert verdicts[-1].is_approved, "completed although the reviewer asks for changes"


def _check_may_start(s: Snapshot) -> None:
    assert s.status in MAY_START
    assert not s.is_cancelling


def _check_may_spend(s: Snapshot, now: datetime) -> None:
    attempts = [attempt for task in s.tasks for attempt in task.attempts]
    cents = sum(attempt.cents or 0 for attempt in attempts)
    assert s.options.budget_cents is None or cents < s.options.budget_cents, "begun although all cents are spent"
    if s.options.wall_hours is not None and s.started_at is not None:
        assert now - s.started_at < timedelta(hours=s.options.wall_hours), "begun after its time"
    known = {COST_UNKNOWN} & set(s.warned)
    if s.options.budget_cents is not None and not known:
        assert not any(a.costed_run_id and a.cents is None for a in attempts), "begun although costs are unknown"


def _attempt(s: Snapshot, event: e.AttemptEvent):
    return next(a for a in s.task(event.task_key).attempts if a.agent_id == event.agent_id)


def _check_terminal_tasks_are_left_alone(before: Snapshot, after: Snapshot) -> None:
    for task in before.tasks:
        if task.status in TASK_TERMINAL:
            assert _work_of(after.task(task.key)) == _work_of(task)


def _work_of(task: Task) -> Task:
    # A reviewer that is still at work when its task ends comes to an end of its own.
    return replace(task, attempts=tuple(a for a in task.attempts if a.role == WORK))


def _check_parallel_cap(before: Snapshot, decision: Decision) -> None:
    if any(isinstance(event, e.AttemptRequested) for event in decision.events):
        live = sum(any(a.is_live for a in task.attempts) for task in decision.snapshot.tasks)
        assert live <= before.options.max_parallel_agents, "more agents at once than allowed, net of those running"


def _check_agents(s: Snapshot) -> None:
    assert all(not s.task(key).attempts for key in s.with_candidates), "an agent beside the candidates"
    ids = [attempt.agent_id for task in s.worked_on for attempt in task.attempts]
    assert len(ids) == len(set(ids)), "two attempts share an agent id"
    for task in s.worked_on:
        for role in (WORK, REVIEW):
            live = sum(attempt.is_live and attempt.role == role for attempt in task.attempts)
            assert live <= 1, f"two agents at {role} on one task"
        assert all(attempt.iterations <= s.options.max_iterations for attempt in task.attempts)


def _check_end(before: Snapshot, decision: Decision) -> None:
    after = decision.snapshot
    if before.is_terminal:
        assert decision.events == (), "nothing changes after the end"
    if not after.is_terminal:
        return
    assert decision.wake_at is None
    assert not after.live_attempts, "ended while an agent is at work"
    assert all(task.status in TASK_TERMINAL for task in after.tasks), "ended with a task open"
    assert after.status is expected_end(after)


def expected_end(s: Snapshot) -> OrchestrationStatus:
    """The status that the tasks' own ends call for."""
    if s.is_cancelling:
        return OrchestrationStatus.STOPPED
    if all(is_satisfied(task) for task in s.results):
        return OrchestrationStatus.COMPLETED
    if any(task.status is TaskStatus.COMPLETED for task in s.results):
        return OrchestrationStatus.PARTIAL
    return OrchestrationStatus.ERROR
