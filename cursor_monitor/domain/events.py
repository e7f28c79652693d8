"""The facts of an orchestration: immutable, past tense, and together enough to rebuild its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from cursor_monitor.domain import budgets
from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT
from cursor_monitor.domain.code_host import CodeHostFacts
from cursor_monitor.domain.loops import LOOP_WORDS, LoopKind
from cursor_monitor.domain.orchestration import REVIEW, WORK, Options, PlanTask, Report, Review
from cursor_monitor.domain.status import AttemptStatus, Level, Mode, OrchestrationStatus, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all; `at` is the database's clock, in UTC."""

    at: datetime
    level: ClassVar[Level] = Level.INFO

    def message(self) -> str:
        """One sentence for the timeline."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationRequested(Event):
    """A person or a program asked for it."""

    by: str
    name: str
    mode: Mode
    repository: str
    ref: str | None
    prompt: str
    model: str | None
    options: Options
    tasks: tuple[PlanTask, ...]
    account_id: str = DEFAULT_ACCOUNT

    def message(self) -> str:
        return f"Requested by {self.by}: {self.mode} on {self.repository}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(Event):
    """The prompt became tasks."""

    tasks: tuple[PlanTask, ...]
    source: str = "request"  # request, prompt, planner or fallback
    reason: str | None = None  # why it fell back

    def message(self) -> str:
        count, steps = len(self.tasks), sum(task.is_merge for task in self.tasks)
        merges = f", {steps} of them to merge branches" if steps else ""
        tries = sum(task.candidate_of is not None for task in self.tasks)
        merges += (
            f", {tries} of them candidates for {len({t.candidate_of for t in self.tasks} - {None})}" if tries else ""
        )
        whence = {
            "prompt": " from the structure of the prompt",
            "planner": " as the planner proposed",
            "fallback": f": the whole prompt, as there is no plan ({self.reason})",
        }.get(self.source, "")
        return f"Planned {count} task{'s' if count != 1 else ''}{merges}{whence}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerRequested(Event):
    """The prompt has no structure to split by: an agent is to be asked for a plan."""

    def message(self) -> str:
        return "Asking a planner agent for a plan."


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """The plan waits for a person."""

    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return "Waiting for a person to approve the plan."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRequested(Event):
    """Nothing is left to do but for a person to say which candidate is kept."""

    task_keys: tuple[str, ...]
    summary: str
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return self.summary


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEdited(Event):
    """A person put another plan in the place of the one that waits."""

    by: str
    tasks: tuple[PlanTask, ...]

    def message(self) -> str:
        count = len(self.tasks)
        return f"Plan edited by {self.by}: {count} task{'s' if count != 1 else ''}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanApproved(Event):
    """A person let the plan go ahead."""

    by: str

    def message(self) -> str:
        return f"Plan approved by {self.by}."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationStarted(Event):
    """A worker took it up."""

    def message(self) -> str:
        return "Started."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationPaused(Event):
    """Nothing new starts until it is resumed."""

    by: str

    def message(self) -> str:
        return f"Paused by {self.by}; runs under way go on, nothing new starts."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationResumed(Event):
    """It goes on; after an agent budget ran out, with `allowance` agents in all."""

    by: str
    allowance: int | None = None

    def message(self) -> str:
        more = f", now with up to {self.allowance} agents" if self.allowance else ""
        return f"Resumed by {self.by}{more}."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationBlocked(Event):
    """A person is needed: a budget, a usage limit, a permission."""

    code: str
    summary: str
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Blocked: {self.summary}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetNear(Event):
    """Most of a budget is used; said once, until the budget is changed."""

    budget: str
    used: float
    allowed: float
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"{self.used:g} of {self.allowed:g} {budgets.WORDS.get(self.budget, self.budget)} are used."


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChanged(Event):
    """A person gave other limits; what was blocked by one goes on."""

    by: str
    limits: dict[str, float]  # option -> what is allowed in all from now on

    def message(self) -> str:
        limits = ", ".join(f"{allowed:g} {budgets.WORDS.get(name, name)}" for name, allowed in self.limits.items())
        return f"Budget set by {self.by}: {limits}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileApplied(Event):
    """The profile of the repository asks for more than it did at the launch; from now on this holds."""

    pattern: str
    required_checks: tuple[str, ...] = ()
    protected_paths: tuple[str, ...] = ()

    def message(self) -> str:
        return f"The profile {self.pattern} was changed: its rules hold from now on."


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(Event):
    """Live agents are cancelled, then it ends as stopped."""

    by: str
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Cancel requested by {self.by}."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationRetried(Event):
    """Its failed, skipped and cancelled tasks are tried again; the others' work is kept."""

    by: str
    task_keys: tuple[str, ...]

    def message(self) -> str:
        return f"Retried by {self.by}: {', '.join(self.task_keys) or 'from the plan'}."


@dataclass(frozen=True, slots=True, kw_only=True)
class OrchestrationEnded(Event):
    """Nothing more will happen by itself."""

    status: OrchestrationStatus
    quality_score: int | None
    quality_coverage: int | None
    error_code: str | None = None
    error_summary: str | None = None

    def message(self) -> str:
        score = (
            ""
            if self.quality_score is None
            else f" Quality {self.quality_score}, from {self.quality_coverage} % of the evidence."
        )
        return f"Ended: {self.status}.{score}" + (f" {self.error_summary}" if self.error_summary else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent(Event):
    """Base of what concerns one task."""

    task_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted(TaskEvent):
    """Its work was accepted."""

    quality_score: int | None
    quality_coverage: int
    level: ClassVar[Level] = Level.SUCCESS

    def message(self) -> str:
        score = "unknown" if self.quality_score is None else str(self.quality_score)
        return f"Task {self.task_key} completed, quality {score} from {self.quality_coverage} % of the evidence."


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateKept(TaskEvent):
    """Of the candidates of a task one is kept; the other agents are archived, their pull requests stay as they are."""

    kept: str
    reason: str
    by: str = "engine"
    archived: tuple[str, ...] = ()  # agents
    left: tuple[str, ...] = ()  # pull requests of the others

    def message(self) -> str:
        whose = "" if self.by == "engine" else f" by {self.by}"
        others = f" Archived: {len(self.archived)} other agents." if self.archived else ""
        left = f" Left as they are: {', '.join(self.left)}." if self.left else ""
        return f"Kept {self.kept} for task {self.task_key}{whose}: {self.reason}{others}{left}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed(TaskEvent):
    """It will not be tried again by itself."""

    error: str
    level: ClassVar[Level] = Level.ERROR

    def message(self) -> str:
        return f"Task {self.task_key} failed: {self.error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSkipped(TaskEvent):
    """Not done: by a person's will (then what depends on it goes on), or because a dependency did not complete."""

    reason: str
    by: str | None = None
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Task {self.task_key} skipped: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancelled(TaskEvent):
    """Stopped by a person."""

    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Task {self.task_key} cancelled."


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRetried(TaskEvent):
    """A person wants it tried once more."""

    by: str

    def message(self) -> str:
        return f"Task {self.task_key} retried by {self.by}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(TaskEvent):
    """Base of what concerns one agent."""

    agent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequested(AttemptEvent):
    """An agent is to be launched, under an id that is committed before Cursor hears of it."""

    number: int
    name: str
    prompt: str
    ref: str | None
    model: str | None
    role: str = WORK
    reviews_run_id: str | None = None

    def message(self) -> str:
        if self.role == REVIEW:
            return f"Launching a reviewer for task {self.task_key}" + (f" on {self.ref}." if self.ref else ".")
        return f"Launching agent {self.number} for task {self.task_key}" + (f" from {self.ref}." if self.ref else ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLaunched(AttemptEvent):
    """Cursor has the agent."""

    run_id: str | None
    run_status: str

    def message(self) -> str:
        return f"Agent launched for task {self.task_key}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptHeld(AttemptEvent):
    """A launch or a follow-up was refused for a reason only a person can mend; it waits."""

    code: str
    error: str
    followup_id: str | None = None
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Cursor refused ({self.code}): {self.error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReleased(AttemptEvent):
    """What was held is tried again."""

    followup_id: str | None = None

    def message(self) -> str:
        return f"Trying again for task {self.task_key}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(AttemptEvent):
    """The agent is no longer followed; `may_retry` where another one may do better."""

    status: AttemptStatus
    code: str | None = None
    error: str | None = None
    may_retry: bool = False

    def message(self) -> str:
        return f"Agent of task {self.task_key} {self.status}" + (f": {self.error}" if self.error else ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunObserved(AttemptEvent):
    """Something new was seen of the run that counts."""

    run_id: str
    run_status: str
    result: str | None = None
    report: Report | None = None
    branch: str | None = None
    pr_url: str | None = None
    review: Review | None = None

    def message(self) -> str:
        return f"Run of task {self.task_key} is {self.run_status}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHostObserved(AttemptEvent):
    """Something new was seen at the code host: of the branch, the pull request or the checks."""

    facts: CodeHostFacts

    def message(self) -> str:
        facts = self.facts
        pull = f"pull request {facts.pr_state}" if facts.pr_state else "no pull request"
        red = f" ({', '.join(facts.failed_checks)})" if facts.failed_checks else ""
        return f"Code host for task {self.task_key}: {pull}, checks {facts.checks}{red}."


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageObserved(AttemptEvent):
    """What an agent has cost up to this run; None where Cursor does not tell."""

    run_id: str
    cents: float | None

    def message(self) -> str:
        cost = "is not told by Cursor" if self.cents is None else f"is {self.cents:.2f} cents so far"
        return f"The cost of task {self.task_key}'s agent {cost}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAssessed(AttemptEvent):
    """What the engine made of a finished run, and why."""

    run_id: str
    verdict: Verdict
    reason: str
    quality_score: int | None
    quality_coverage: int
    evidence: dict[str, float | None] = field(default_factory=dict)  # part -> 0..1, None where unknown
    complaint: str | None = None  # what is wrong, in words that are the same when it is wrong again

    def message(self) -> str:
        return f"{self.verdict} for task {self.task_key}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProposed(AttemptEvent):
    """The planner's answer holds a plan that can be used."""

    run_id: str
    count: int

    def message(self) -> str:
        return f"The planner proposed {self.count} task{'s' if self.count != 1 else ''}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRejected(AttemptEvent):
    """The planner's answer cannot be used as a plan."""

    run_id: str
    reasons: tuple[str, ...]
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"The planner's plan cannot be used: {'; '.join(self.reasons)[:500]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelRequested(AttemptEvent):
    """A run is to be cancelled."""

    run_id: str
    reason: str
    is_for_loop: bool = False
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Cancelling the run of task {self.task_key}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopDetected(AttemptEvent):
    """An agent was seen to go in circles; said again once there is no doubt."""

    run_id: str
    kind: LoopKind
    count: int
    action: str
    result: str
    first: int  # where in the run
    last: int
    is_certain: bool
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        times = "" if self.kind is LoopKind.SILENT else f" {self.count} times"
        what = f": {self.action}" if self.action else ""
        return f"The agent of task {self.task_key} {LOOP_WORDS[self.kind]}{times}{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRequested(AttemptEvent):
    """A further prompt is to be sent; `asks` says for what."""

    followup_id: str
    asks: str
    prompt: str
    by: str = "engine"

    def message(self) -> str:
        return f"Follow-up for task {self.task_key} ({self.asks})."


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpSent(AttemptEvent):
    """Cursor took the follow-up and started a run."""

    followup_id: str
    run_id: str
    run_status: str

    def message(self) -> str:
        return f"Follow-up sent for task {self.task_key}."


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpDropped(AttemptEvent):
    """The follow-up was not sent and will not be."""

    followup_id: str
    reason: str
    level: ClassVar[Level] = Level.WARNING

    def message(self) -> str:
        return f"Follow-up for task {self.task_key} not sent: {self.reason}"


def _leaves(base: type[Event]) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for kind in base.__subclasses__():
        deeper = _leaves(kind)
        found.update(deeper or {kind.__name__: kind})
    return found


EVENT_TYPES: dict[str, type[Event]] = _leaves(Event)
"""Every event by its wire name, which is the name of its class."""
