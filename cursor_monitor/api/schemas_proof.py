"""What the API says in proof of quality."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cursor_monitor.api.schemas import BudgetUse
from cursor_monitor.api.schemas_base import Answer, Time


class EvidencePart(Answer):
    """One part of the evidence."""

    part: str
    share: float | None = Field(description="0 to 1; null where it is not known.")


class TestsReported(Answer):
    """What an agent says it ran."""

    run: int
    passed: int
    failed: int


class ReportGiven(Answer):
    """An agent's own report on its work."""

    done: list[str]
    remaining: list[str]
    tests: TestsReported | None
    files: list[str]
    confidence: float | None


class ReviewGiven(Answer):
    """A reviewer's verdict."""

    is_approved: bool
    findings: list[str]


class CodeHostWord(Answer):
    """What the code host said last."""

    pr_state: str | None
    checks: str
    passed_checks: list[str]
    failed_checks: list[str]
    head_sha: str | None
    changed_files: int | None
    observed_at: Time


class ProofOfAgent(Answer):
    """One agent's part."""

    agent_id: str
    role: str = Field(description="work or review.")
    number: int
    status: str
    model: str | None = Field(description="Null: Cursor's default.")
    runs: int
    followups: list[str] = Field(description="What each follow-up asked for.")
    cents: float | None = Field(description="Null where Cursor has not told.")
    error_message: str | None
    report: ReportGiven | None = Field(description="Its own words; null where there are none.")
    review: ReviewGiven | None
    code_host: CodeHostWord | None
    requested_at: Time


class ProofOfTask(Answer):
    """One task, and what it was judged by."""

    key: str
    title: str
    prompt: str
    depends_on: list[str]
    status: str
    quality_score: int | None
    quality_coverage: int | None
    candidate_of: str | None = Field(description="The task that this is one of several tries at.")
    kept: str | None = Field(description="Of a task with candidates: the key of the one that is kept.")
    kept_reason: str | None
    evidence: list[EvidencePart]
    reason: str | None = Field(description="Of the last decision about it.")
    branch: str | None
    pr_url: str | None
    error_message: str | None
    started_at: Time | None
    completed_at: Time | None
    agents: list[ProofOfAgent]


class DecisionMade(Answer):
    """Something that was decided."""

    seq: int
    type: str
    task_key: str | None
    message: str
    by: str | None = Field(description="The person; null where the engine decided.")
    evidence: list[EvidencePart]
    created_at: Time


class ProofTotals(Answer):
    """All agents taken together."""

    agents: int
    reviewers: int
    followups: int
    tests_run: int | None
    tests_passed: int | None
    tests_failed: int | None
    cents: float | None = Field(description="What is known of it; see `cents_unknown`.")
    cents_unknown: int = Field(description="Agents whose cost Cursor has not told.")


class ProofOfQuality(Answer):
    """What was asked, planned, done, tested and reviewed, by whom, at what cost, and why it ended so."""

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
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    plan_source: str | None
    approved_by: str | None
    tasks: list[ProofOfTask]
    planner: list[ProofOfAgent]
    totals: ProofTotals
    budgets: list[BudgetUse]
    decisions: list[DecisionMade] = Field(description="The newest 1,000 at most, in order.")
    has_older_decisions: bool
    unknown: list[str] = Field(description="What this proof cannot tell, in words.")
    last_seq: int
    as_of: Time
