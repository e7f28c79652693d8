"""An orchestration as a value: all that `decide` needs, and all that its events rebuild."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT
from cursor_monitor.domain.code_host import CodeHostFacts
from cursor_monitor.domain.room import Room
from cursor_monitor.domain.status import (
    ATTEMPT_LIVE,
    OPEN_AGAIN,
    ORCHESTRATION_TERMINAL,
    RUN_TERMINAL,
    AttemptStatus,
    Mode,
    OrchestrationStatus,
    TaskStatus,
)

PLANNER_KEY = "@planner"
"""The planner's place among the tasks' keys; no task can be called that."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person allowed; the limits are caps, never targets."""

    max_parallel_agents: int = 3
    max_iterations: int = 20  # follow-ups per agent
    quality_threshold: int = 70  # 0..100
    max_attempts: int = 2  # agents per task, tried again after an error of the run
    best_of: int = 1  # candidates of each task side by side, of which the best is kept
    models: tuple[str, ...] = ()  # theirs, taken in turn
    choose_by_hand: bool = False  # a person says which candidate is kept, where more than one completed
    max_agents: int | None = None  # agents in all
    max_followups: int | None = None  # follow-ups in all
    budget_cents: int | None = None  # US cents in all, as Cursor charges them
    wall_hours: float | None = None  # from its start, pauses included
    reviewer: bool | str = False  # a second agent judges what passes; a model's name chooses its model
    require_checks: bool = False  # work is accepted only once the checks of its head have passed
    required_checks: tuple[str, ...] = ()  # these by name; any of them requires checks
    protected_paths: tuple[str, ...] = ()  # patterns of files that no agent may change
    stop_loops: bool = True  # an agent that goes in circles is stopped; it is told of in any case
    max_nudges: int = 1  # times it is then sent another way, before another agent takes over
    priority: int = 0  # 0..9, the higher the sooner where several wait for a slot
    timeout_hours: float = 4.0  # a run without an end is cancelled after this
    auto_create_pr: bool = True
    require_approval: bool = False


@dataclass(frozen=True, slots=True)
class PlanTask:
    """One task as planned, before anything happened to it."""

    key: str
    title: str
    prompt: str
    depends_on: tuple[str, ...] = ()
    model: str | None = None
    ref: str | None = None
    is_merge: bool = False  # put in by the plan, to merge the branches of what it waits for
    best_of: int | None = None  # instead of the option; of a plan that was made, None: see candidate_of
    models: tuple[str, ...] = ()
    candidate_of: str | None = None  # one of several tries at that task, put in by the plan


@dataclass(frozen=True, slots=True)
class TestCounts:
    """What the agent says it ran."""

    __test__ = False

    run: int
    passed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Report:
    """The completion report at the end of a run's last message, as the agent wrote it."""

    done: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    tests: TestCounts | None = None
    files: tuple[str, ...] = ()
    confidence: float | None = None  # 0..1


WORK, REVIEW = "work", "review"
"""What an attempt's agent is there for."""


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer's verdict, as it wrote it; without approval there are findings."""

    is_approved: bool
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was last observed of one run."""

    id: str
    status: str
    started_at: datetime
    result: str | None = None
    report: Report | None = None
    ended_at: datetime | None = None  # when its end was seen
    review: Review | None = None  # of a reviewer's run


@dataclass(frozen=True, slots=True)
class Followup:
    """A follow-up asked for by the engine; `run_id` once Cursor took it."""

    id: str
    asks: str  # work, report, tests, fix, quality
    requested_at: datetime
    run_id: str | None = None
    is_dropped: bool = False  # never sent, and will not be


@dataclass(frozen=True, slots=True)
class Stuck:
    """How its newest run goes in circles, as far as that was told."""

    run_id: str
    kind: str
    count: int
    action: str
    is_certain: bool
    is_stopped: bool = False  # its run was to be cancelled for it


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task: one agent, its newest run, and the follow-ups it was sent."""

    agent_id: str
    number: int
    status: AttemptStatus
    requested_at: datetime
    run: RunFacts | None = None
    assessed_run_id: str | None = None  # the newest run already decided about
    followups: tuple[Followup, ...] = ()
    cancelling_run_id: str | None = None
    is_held: bool = False  # refused for a reason that only a person can mend
    may_retry: bool = False
    error_code: str | None = None
    error_message: str | None = None
    code_host: CodeHostFacts | None = None  # None until the code host was asked
    cents: float | None = None  # what its runs cost as far as Cursor told; None is unknown, never nothing
    role: str = WORK
    reviews_run_id: str | None = None  # of a reviewer: the run whose head it looks at
    complaints: tuple[str, ...] = ()  # what was found wrong with its newest runs, in order
    stuck: Stuck | None = None
    costed_run_id: str | None = None  # the newest run whose cost was asked for to the end

    @property
    def is_live(self) -> bool:
        """True while the agent is launching or may still be working."""
        return self.status in ATTEMPT_LIVE

    @property
    def is_busy(self) -> bool:
        """True while it launches, runs, or is about to be told something."""
        if not self.is_live:
            return False
        return self.run is None or self.run.status not in RUN_TERMINAL or self.unsent_followup is not None

    @property
    def iterations(self) -> int:
        """Runs beyond the first that were asked for."""
        return len(self.followups)

    @property
    def unsent_followup(self) -> Followup | None:
        """The follow-up that Cursor has not taken yet."""
        newest = self.followups[-1] if self.followups else None
        return newest if newest and newest.run_id is None and not newest.is_dropped else None

    @property
    def awaits_review(self) -> bool:
        """True where its work passed and nothing but a reviewer's verdict is missing."""
        run = self.run
        if self.role != WORK or not self.is_live or run is None or self.unsent_followup is not None:
            return False
        return run.status == "FINISHED" and self.assessed_run_id == run.id

    @property
    def is_stopped_for_loop(self) -> bool:
        """True where its newest run was cancelled because it went in circles."""
        stuck, run = self.stuck, self.run
        is_ours = run is not None and stuck is not None and stuck.is_stopped and stuck.run_id == run.id
        return is_ours and run is not None and run.status == "CANCELLED"

    def count_asked(self, what: str) -> int:
        """How many follow-ups asked for this."""
        return sum(followup.asks == what and not followup.is_dropped for followup in self.followups)

    def asked_for(self, what: str) -> bool:
        """True where an earlier follow-up already asked for this; one that was dropped never did."""
        return any(followup.asks == what and not followup.is_dropped for followup in self.followups)


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of the plan and how far it is."""

    key: str
    title: str
    prompt: str
    depends_on: tuple[str, ...] = ()
    model: str | None = None
    ref: str | None = None
    is_merge: bool = False
    candidate_of: str | None = None  # only the best of that task's candidates is kept
    kept: str | None = None  # of a task with candidates: which of them, and why
    kept_reason: str | None = None
    status: TaskStatus = TaskStatus.PENDING
    attempts: tuple[Attempt, ...] = ()
    attempts_allowed: int | None = None  # raised by a person's retry; None: the option's number
    is_waived: bool = False  # skipped by a person: what depends on it goes on
    branch: str | None = None
    pr_url: str | None = None
    quality_score: int | None = None
    quality_coverage: int | None = None
    error_message: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt at its work."""
        return next((a for a in reversed(self.attempts) if a.role == WORK), None)

    @property
    def tries(self) -> int:
        """How many agents were to do its work, reviewers not counted."""
        return sum(a.role == WORK for a in self.attempts)

    @property
    def live_review(self) -> Attempt | None:
        """The reviewer at work."""
        return next((a for a in self.attempts if a.role == REVIEW and a.is_live), None)

    def with_attempt(self, attempt: Attempt) -> Task:
        """The same task with its attempt of that number replaced."""
        attempts = tuple(attempt if old.number == attempt.number else old for old in self.attempts)
        return replace(self, attempts=attempts)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One orchestration, whole."""

    id: str
    name: str
    status: OrchestrationStatus
    mode: Mode
    repository: str
    ref: str | None
    prompt: str
    model: str | None
    options: Options
    created_at: datetime
    created_by: str = ""
    account_id: str = DEFAULT_ACCOUNT
    requested_tasks: tuple[PlanTask, ...] = ()
    tasks: tuple[Task, ...] = ()
    planner: Task | None = None  # where an agent was asked for the plan; its work is no task of the plan
    is_planned: bool = False
    plan_source: str | None = None  # request, prompt, planner, fallback or person
    is_approved: bool = False
    is_cancelling: bool = False
    allowance: int | None = None  # agents allowed in all, once a person raised the option's number
    warned: tuple[str, ...] = ()  # the budgets that were said to be nearly used, or to be counted without all costs
    quality_score: int | None = None
    quality_coverage: int | None = None
    error_code: str | None = None
    error_summary: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    seq: int = 0
    room: Room = field(default=Room(), compare=False, repr=False)  # looked up for a decision, no part of the state

    @property
    def is_terminal(self) -> bool:
        """True once nothing more will happen by itself."""
        return self.status in ORCHESTRATION_TERMINAL

    @property
    def live_attempts(self) -> tuple[Attempt, ...]:
        """The agents that are launching or working, over all tasks."""
        return tuple(a for task in self.worked_on for a in task.attempts if a.is_live)

    @property
    def worked_on(self) -> tuple[Task, ...]:
        """All that agents work on: the planner's part, then the tasks."""
        return self.tasks if self.planner is None else (self.planner, *self.tasks)

    @property
    def results(self) -> tuple[Task, ...]:
        """The tasks whose ends count: what became of one candidate among several does not."""
        return tuple(task for task in self.tasks if task.candidate_of is None)

    @property
    def with_candidates(self) -> frozenset[str]:
        """The keys of the tasks that have candidates, and so no agents of their own."""
        return frozenset(task.candidate_of for task in self.tasks if task.candidate_of is not None)

    @property
    def retryable(self) -> tuple[str, ...]:
        """The keys that a retry of the whole opens again; no candidate of a task that needs none any more."""
        done = {t.key for t in self.tasks if t.is_waived or t.status is TaskStatus.COMPLETED}
        return tuple(
            t.key for t in self.tasks if t.status in OPEN_AGAIN and not t.is_waived and t.candidate_of not in done
        )

    def candidates(self, key: str) -> tuple[Task, ...]:
        """The candidates of that task, in the order of the plan."""
        return tuple(task for task in self.tasks if task.candidate_of == key)

    @property
    def agents_used(self) -> int:
        """The agents launched so far, the planner's among them."""
        return sum(len(task.attempts) for task in self.worked_on)

    @property
    def slots_used(self) -> int:
        """The tasks with an agent; a reviewer works in the slot of whose work it looks at."""
        return sum(any(a.is_live for a in task.attempts) for task in self.worked_on)

    def task(self, key: str) -> Task:
        """The task with that key, or the planner's part; KeyError if there is none."""
        for task in self.worked_on:
            if task.key == key:
                return task
        raise KeyError(key)

    def with_task(self, task: Task) -> Snapshot:
        """The same orchestration with the task of that key replaced."""
        if task.key == PLANNER_KEY:
            return replace(self, planner=task)
        return replace(self, tasks=tuple(task if old.key == task.key else old for old in self.tasks))


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What a person asks for, already checked: see engine.plan.check_request."""

    prompt: str
    repository: str
    mode: Mode = Mode.SINGLE_AGENT
    name: str | None = None
    ref: str | None = None
    model: str | None = None
    tasks: tuple[PlanTask, ...] = ()
    options: Options = field(default_factory=Options)
