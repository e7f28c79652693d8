"""The independent reviewer: one agent looks at each head that passed, and its verdict decides; its text is data."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.ids import attempt_agent_id, followup_id
from cursor_monitor.domain.orchestration import PLANNER_KEY, REVIEW, Attempt, Review, Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, Verdict
from cursor_monitor.engine import plan, prompts
from cursor_monitor.engine.assess import Assessment, bounded
from cursor_monitor.engine.budgets import Closed, closed_for
from cursor_monitor.engine.fold import evolve
from cursor_monitor.engine.rules.common import Events, attempt_ended, live
from cursor_monitor.engine.score import score_run

ROUNDS = 3
"""Verdicts at most for one attempt's work; when the last still asks for changes, it is given up."""


def launch_reviewers(s: Snapshot, now: datetime) -> Events:
    """Launch one reviewer for each head that passed, another only where the one before came to no verdict."""
    events: list[e.Event] = []
    closed: Closed | None = None
    for task, worker in live(s):
        if not _may_be_reviewed(task, worker) or task.live_review is not None:
            continue
        assert worker.run is not None  # noqa: S101 - what awaits a review has a run
        tried = sum(a.reviews_run_id == worker.run.id for a in task.attempts)
        if tried >= s.options.max_attempts:
            reason = "no reviewer came to a verdict that could be read"
            after = [attempt_ended(task, worker, AttemptStatus.FAILED, now, "review_failed", reason)]
        else:
            refused = closed_for(s, now, agents=1)
            if refused is not None:
                closed = closed or refused
                continue
            after = [_launch(s, task, worker, now)]
        for event in after:
            s = evolve(s, event)
        events += after
    if closed is not None and not closed.waits and not any(a.is_busy for a in s.live_attempts):
        events.append(e.OrchestrationBlocked(at=now, code=closed.code, summary=closed.summary))
    return events


def settle_reviews(s: Snapshot, now: datetime) -> Events:
    """Follow each verdict: accept the work, or tell its agent what to change; ask once where none can be read."""
    events: list[e.Event] = []
    closed: Closed | None = None
    for task, reviewer in live(s):
        if reviewer.role != REVIEW or not _is_done(reviewer):
            continue
        after = _after_review(s, task, reviewer, now)
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


def _may_be_reviewed(task: Task, worker: Attempt) -> bool:
    return worker.awaits_review and task.key != PLANNER_KEY


def _is_done(reviewer: Attempt) -> bool:
    return reviewer.run is not None and reviewer.run.status == "FINISHED" and reviewer.unsent_followup is None


def _launch(s: Snapshot, task: Task, worker: Attempt, now: datetime) -> e.Event:
    number = len(task.attempts) + 1
    chosen = s.options.reviewer
    return e.AttemptRequested(
        at=now,
        task_key=task.key,
        agent_id=attempt_agent_id(s.id, task.key, number),
        number=number,
        name=plan.first_line(f"Review: {task.title}"),
        prompt=prompts.review_prompt(task, worker),
        ref=task.branch or prompts.starting_ref(s, task),
        model=chosen if isinstance(chosen, str) else s.model,
        role=REVIEW,
        reviews_run_id=worker.run.id if worker.run else None,
    )


def _after_review(s: Snapshot, task: Task, reviewer: Attempt, now: datetime) -> Events:
    worker = task.attempt
    if worker is None or not worker.awaits_review or worker.run is None or worker.run.id != reviewer.reviews_run_id:
        return [attempt_ended(task, reviewer, AttemptStatus.CANCELLED, now, "superseded", "the work went on meanwhile")]
    verdict = reviewer.run.review if reviewer.run else None
    if verdict is not None:
        ended = attempt_ended(task, reviewer, AttemptStatus.SUCCEEDED, now)
        return [ended, *_after_verdict(s, task, worker, verdict, now)]
    if reviewer.asked_for("review"):
        return [attempt_ended(task, reviewer, AttemptStatus.FAILED, now, "review_unreadable", "no verdict to be read")]
    return [_followup(task, reviewer, "review", prompts.ask_for_review(), now)]


def _after_verdict(s: Snapshot, task: Task, worker: Attempt, verdict: Review, now: datetime) -> Events:
    assert worker.run is not None  # noqa: S101 - it awaits the review of its run
    made = _judged(s, task, worker, verdict)
    assessed = e.RunAssessed(
        at=now,
        task_key=task.key,
        agent_id=worker.agent_id,
        run_id=worker.run.id,
        verdict=made.verdict,
        reason=made.reason,
        quality_score=made.score.value,
        quality_coverage=made.score.coverage,
        evidence=made.score.evidence,
        complaint=made.complaint,
    )
    if made.verdict is Verdict.COMPLETE:
        score, coverage = made.score.value, made.score.coverage
        done = e.TaskCompleted(at=now, task_key=task.key, quality_score=score, quality_coverage=coverage)
        return [assessed, attempt_ended(task, worker, AttemptStatus.SUCCEEDED, now), done]
    if made.verdict is Verdict.GIVE_UP:
        return [assessed, attempt_ended(task, worker, AttemptStatus.FAILED, now, "gave_up", made.reason)]
    return [assessed, _followup(task, worker, "changes", made.prompt or "", now)]


def _judged(s: Snapshot, task: Task, worker: Attempt, verdict: Review) -> Assessment:
    assert worker.run is not None  # noqa: S101 - it awaits the review of its run
    share = 1.0 if verdict.is_approved else 0.0
    score = score_run(worker, worker.run, max_iterations=s.options.max_iterations, review=share)
    if verdict.is_approved:
        return Assessment(Verdict.COMPLETE, "Nothing remains, nothing fails, and the reviewer approves.", score)
    reason = f"The reviewer asks for {len(verdict.findings)} changes: {verdict.findings[0][:200]}"
    rounds = 1 + worker.count_asked("changes")
    if rounds >= ROUNDS:
        return Assessment(Verdict.GIVE_UP, f"{reason} That was round {rounds} of {ROUNDS}.", score)
    complaint = f"review {sorted(' '.join(line.lower().split()) for line in verdict.findings)}"[:2000]
    prompt = prompts.ask_for_changes(verdict.findings)
    return bounded(s, worker, Assessment(Verdict.FIX, reason, score, "changes", prompt, complaint))


def _followup(task: Task, attempt: Attempt, asks: str, prompt: str, now: datetime) -> e.Event:
    return e.FollowUpRequested(
        at=now,
        task_key=task.key,
        agent_id=attempt.agent_id,
        followup_id=followup_id(attempt.agent_id, attempt.iterations + 1),
        asks=asks,
        prompt=prompt,
    )
