"""The proof of quality: what was asked, planned, done, tested and reviewed, by whom, at what cost, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.orchestration import REVIEW, Attempt, Report, Review, Snapshot, Task
from cursor_monitor.engine.budgets import uses
from cursor_monitor.queries.orchestrations import BudgetRow, budget_rows, known_uuid
from cursor_monitor.store import agents, codec, tables
from cursor_monitor.store import events as event_store
from cursor_monitor.store import orchestrations as store
from cursor_monitor.store.database import reading

MOST_DECISIONS = 1_000
_DECISIONS = (
    "PlanMade",
    "PlanRejected",
    "PlanEdited",
    "PlanApproved",
    "OrchestrationPaused",
    "OrchestrationResumed",
    "OrchestrationBlocked",
    "OrchestrationRetried",
    "BudgetChanged",
    "CancelRequested",
    "RunAssessed",
    "RunCancelRequested",
    "LoopDetected",
    "ChoiceRequested",
    "CandidateKept",
    "TaskCompleted",
    "TaskFailed",
    "TaskSkipped",
    "TaskRetried",
    "OrchestrationEnded",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One part of the evidence: 0 to 1, None where it is not known."""

    part: str
    share: float | None


@dataclass(frozen=True, slots=True)
class CodeHostWord:
    """What the code host said last of an agent's work."""

    pr_state: str | None
    checks: str
    passed_checks: tuple[str, ...]
    failed_checks: tuple[str, ...]
    head_sha: str | None
    changed_files: int | None
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class AgentProof:
    """One agent: what it was for, what it says it did, and what others say of that."""

    agent_id: str
    role: str
    number: int
    status: str
    model: str | None  # None: Cursor's default
    runs: int
    followups: tuple[str, ...]  # what each asked for
    cents: float | None
    error_message: str | None
    report: Report | None
    review: Review | None
    code_host: CodeHostWord | None
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class TaskProof:
    """One task, and the evidence it was judged by."""

    key: str
    title: str
    prompt: str
    depends_on: tuple[str, ...]
    status: str
    quality_score: int | None
    quality_coverage: int | None
    candidate_of: str | None
    kept: str | None  # of a task with candidates
    kept_reason: str | None
    evidence: tuple[Evidence, ...]
    reason: str | None  # of the last decision about it
    branch: str | None
    pr_url: str | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    agents: tuple[AgentProof, ...]


@dataclass(frozen=True, slots=True)
class DecisionProof:
    """Something that was decided, by the engine or by a person, and on what grounds."""

    seq: int
    type: str
    task_key: str | None
    message: str
    by: str | None
    evidence: tuple[Evidence, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """All agents taken together; tests as the agents report them, cost as far as Cursor tells."""

    agents: int
    reviewers: int
    followups: int
    tests_run: int | None
    tests_passed: int | None
    tests_failed: int | None
    cents: float | None
    cents_unknown: int


@dataclass(frozen=True, slots=True)
class Proof:
    """All of it; what is not known is None, and `unknown` says so in words."""

    id: str
    name: str
    status: str
    is_final: bool
    quality_score: int | None
    quality_coverage: int | None
    error_summary: str | None
    prompt: str
    repository: str
    ref: str | None
    mode: str
    model: str | None
    options: dict[str, Any]
    created_by: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    plan_source: str | None
    approved_by: str | None
    tasks: tuple[TaskProof, ...]
    planner: tuple[AgentProof, ...]
    totals: Totals
    budgets: tuple[BudgetRow, ...]
    decisions: tuple[DecisionProof, ...]
    has_older_decisions: bool
    unknown: tuple[str, ...]
    last_seq: int
    as_of: datetime


def get_proof(orchestration_id: str) -> Proof:
    """The proof as things stand; raises NotFound."""
    key = known_uuid(orchestration_id)
    with reading() as session:
        snapshot = store.load_snapshot(session, key)
        if snapshot is None:
            raise NotFound(f"No orchestration has the id {orchestration_id}.")
        decisions = event_store.select_of_types(session, key, _DECISIONS, limit=MOST_DECISIONS + 1)
        ids = [attempt.agent_id for task in snapshot.worked_on for attempt in task.attempts]
        models = {agent.id: agent.model for agent in agents.select_many(session, ids, lock=False)}
        now = event_store.database_now(session)
    return _proof(snapshot, decisions, models, now)


def _proof(s: Snapshot, events: Sequence[tables.Event], models: Mapping[str, str | None], now: datetime) -> Proof:
    assessed = {e.task_key: e for e in events if e.type == "RunAssessed"}
    tasks = tuple(_task(task, assessed.get(task.key), models) for task in s.tasks)
    totals = _totals(s)
    approved = next((e for e in reversed(events) if e.type == "PlanApproved"), None)
    names = ("id", "name", "quality_score", "quality_coverage", "error_summary", "prompt", "repository", "ref", "model")
    times = ("created_by", "created_at", "started_at", "completed_at", "plan_source")
    return Proof(
        **{name: getattr(s, name) for name in (*names, *times)},
        status=str(s.status),
        is_final=s.is_terminal,
        mode=str(s.mode),
        options=codec.dump(s.options),
        approved_by=approved.payload.get("by") if approved else None,
        tasks=tasks,
        planner=tuple(_agent(a, models) for a in s.planner.attempts) if s.planner else (),
        totals=totals,
        budgets=budget_rows(uses(s, now)),
        decisions=tuple(_decision(e) for e in events[-MOST_DECISIONS:]),
        has_older_decisions=len(events) > MOST_DECISIONS,
        unknown=tuple(_unknown(tasks, totals)),
        last_seq=s.seq,
        as_of=now,
    )


def _task(task: Task, assessed: tables.Event | None, models: Mapping[str, str | None]) -> TaskProof:
    shared = ("key", "title", "prompt", "depends_on", "quality_score", "quality_coverage", "branch", "pr_url")
    shared = (*shared, "candidate_of", "kept", "kept_reason")
    times = ("error_message", "started_at", "completed_at")
    return TaskProof(
        **{name: getattr(task, name) for name in (*shared, *times)},
        status=str(task.status),
        evidence=_evidence(assessed),
        reason=str(assessed.payload.get("reason")) if assessed else None,
        agents=tuple(_agent(attempt, models) for attempt in task.attempts),
    )


def _agent(a: Attempt, models: Mapping[str, str | None]) -> AgentProof:
    host = a.code_host
    return AgentProof(
        agent_id=a.agent_id,
        role=a.role,
        number=a.number,
        status=str(a.status),
        model=models.get(a.agent_id),
        runs=(1 if a.run else 0) + sum(f.run_id is not None for f in a.followups),
        followups=tuple(f.asks for f in a.followups if not f.is_dropped),
        cents=a.cents,
        error_message=a.error_message,
        report=a.run.report if a.run else None,
        review=a.run.review if a.run else None,
        code_host=CodeHostWord(
            host.pr_state,
            host.checks,
            host.passed_checks,
            host.failed_checks,
            host.head_sha,
            host.changed_files,
            host.observed_at,
        )
        if host
        else None,
        requested_at=a.requested_at,
    )


def _decision(e: tables.Event) -> DecisionProof:
    by = e.payload.get("by")
    return DecisionProof(e.seq, e.type, e.task_key, e.message, str(by) if by else None, _evidence(e), e.created_at)


def _evidence(e: tables.Event | None) -> tuple[Evidence, ...]:
    found = e.payload.get("evidence") if e else None
    if not isinstance(found, dict):
        return ()
    shares = ((str(part), share) for part, share in found.items())
    return tuple(Evidence(part, share if isinstance(share, int | float) else None) for part, share in shares)


def _totals(s: Snapshot) -> Totals:
    attempts = [attempt for task in s.worked_on for attempt in task.attempts]
    chosen = {task.kept for task in s.tasks}
    newest = [task.attempt for task in s.tasks if task.candidate_of is None or task.key in chosen]
    tests = [a.run.report.tests for a in newest if a and a.run and a.run.report and a.run.report.tests]
    known = [a.cents for a in attempts if a.cents is not None]
    return Totals(
        agents=len(attempts),
        reviewers=sum(a.role == REVIEW for a in attempts),
        followups=sum(a.iterations for a in attempts),
        tests_run=sum(t.run for t in tests) if tests else None,
        tests_passed=sum(t.passed for t in tests) if tests else None,
        tests_failed=sum(t.failed for t in tests) if tests else None,
        cents=sum(known) if known else None,
        cents_unknown=len(attempts) - len(known),
    )


def _unknown(tasks: Sequence[TaskProof], totals: Totals) -> list[str]:
    said: list[str] = []
    tried = {task.candidate_of for task in tasks}
    worked = {task.key: task.agents[-1] for task in tasks if task.agents}
    workers = {t.key: next((a for a in reversed(t.agents) if a.role != REVIEW), None) for t in tasks}
    without = {
        "no agent worked on it": [t.key for t in tasks if t.key not in worked and t.key not in tried],
        "its agent gave no report": [key for key, a in workers.items() if a and a.report is None],
        "no tests are reported": [key for key, a in workers.items() if a and a.report and a.report.tests is None],
        "the code host was not asked, or did not say": [key for key, a in workers.items() if a and not a.code_host],
        "nobody reviewed it": [t.key for t in tasks if t.agents and not any(a.review for a in t.agents)],
    }
    for words, keys in without.items():
        if keys:
            more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
            said.append(f"{', '.join(keys[:8])}{more}: {words}.")
    if totals.cents_unknown:
        said.append(f"Cursor has not told the cost of {totals.cents_unknown} of {totals.agents} agents.")
    return said
