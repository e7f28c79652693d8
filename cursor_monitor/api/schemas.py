"""What the API answers with; the OpenAPI document is made from these models."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, Field

from cursor_monitor.api.schemas_base import Answer, Time
from cursor_monitor.api.schemas_truth import CodeHost, Disagreement, Word
from cursor_monitor.domain.status import Level, Mode, OrchestrationStatus, TaskStatus

T = TypeVar("T")


class Listing(Answer, Generic[T]):
    """A page of a list; pass `next_cursor` as `cursor` for the next, null at the end."""

    items: list[T]
    next_cursor: str | None


class ErrorBody(Answer):
    """What went wrong: `code` for programs, `message` for people, `details` for both."""

    code: str
    message: str
    details: dict[str, Any] | None = None


class ErrorAnswer(Answer):
    """The one shape of every refusal and failure."""

    error: ErrorBody


class OrchestrationLine(Answer):
    """One orchestration in a list."""

    id: str
    name: str
    status: OrchestrationStatus
    mode: Mode
    account_id: str = Field(description="Whose key its agents are launched with; see GET accounts.")
    repository: str
    ref: str | None
    model: str | None
    tasks_total: int
    tasks_completed: int
    active_agents: int
    quality_score: int | None = Field(description="0 to 100; null where there is no evidence.")
    quality_coverage: int | None = Field(description="Share of the score backed by evidence, 0 to 100.")
    error_code: str | None
    error_summary: str | None
    created_at: Time
    started_at: Time | None
    completed_at: Time | None
    updated_at: Time


class BudgetUse(Answer):
    """One budget: what is used in all, and what is allowed."""

    name: str = Field(description="max_agents, max_followups, budget_cents or wall_hours.")
    used: float = Field(description="Of cents, what is known; see `unknown`.")
    allowed: float | None = Field(description="Null: no limit.")
    unknown: int = Field(description="Agents whose cost is not or not wholly known, so that it is not in `used`.")
    is_near: bool


class Orchestration(OrchestrationLine):
    """One orchestration, whole, and the controls that make sense now."""

    prompt: str
    options: dict[str, Any]
    created_by: str
    controls: list[str]
    last_seq: int = Field(description="The seq of its newest event.")
    budgets: list[BudgetUse]


class Task(Answer):
    """One task of a plan; `waits_for` says why it has not started."""

    key: str
    title: str
    prompt: str
    status: TaskStatus
    depends_on: list[str]
    model: str | None = Field(description="Its own model, instead of the orchestration's.")
    ref: str | None = Field(description="Its own starting point, instead of a dependency's branch.")
    is_merge: bool = Field(description="Put in by the plan, to merge the branches of what it waits for.")
    candidate_of: str | None = Field(description="The task that this is one of several tries at; the best is kept.")
    kept: str | None = Field(description="Of a task with candidates: the key of the one that is kept.")
    kept_reason: str | None
    agent_id: str | None
    latest_run_id: str | None
    attempts: int
    iterations: int
    branch: str | None
    pr_url: str | None
    checks: str | None = Field(
        description="By the code host: passed, failed, pending, none or unknown; null: not asked."
    )
    quality_score: int | None
    quality_coverage: int | None
    error_message: str | None
    started_at: Time | None
    completed_at: Time | None
    waits_for: str | None


class PlannedTask(Answer):
    """One task of a plan."""

    key: str
    title: str
    prompt: str
    depends_on: list[str]
    model: str | None
    ref: str | None
    is_merge: bool = Field(description="Put in by the plan, to merge the branches of what it waits for.")
    candidate_of: str | None = Field(description="The task that this is one of several tries at; the best is kept.")


class LimitMet(Answer):
    """A limit that the plan will meet, and what happens then."""

    name: str
    allowed: float
    needed: float
    message: str


class Estimate(Answer):
    """What it may cost, and from what that is told."""

    cents: float | None = Field(description="US cents; null where nothing is known to tell it from.")
    basis: str


class Plan(Answer):
    """A plan, and what it means to launch it."""

    source: str = Field(description="request, prompt, planner, fallback or person.")
    tasks: list[PlannedTask] = Field(description="Empty where a planner agent is asked first.")
    shared: str = Field(description="What every task is told besides its own prompt.")
    agents: int = Field(description="Agents launched if nothing fails, a planner among them.")
    agents_most: int = Field(description="Agents launched if every task needs all its attempts.")
    rounds: int = Field(description="How often the agents at work are replaced by the next.")
    limits: list[LimitMet]
    estimate: Estimate
    plan_hash: str = Field(description="To launch, edit or approve only if nothing changed since.")


class Event(Answer):
    """One event of an orchestration; `seq` counts from 1 without gaps."""

    seq: int
    type: str
    level: Level
    task_key: str | None
    message: str
    payload: dict[str, Any]
    created_at: Time


class AgentLine(Answer):
    """One agent in a list; `run_status` and `agent_status` are Cursor's own words."""

    id: str
    name: str | None
    status: str = Field(validation_alias="state", description="queued, working, finished, failed or cancelled.")
    run_status: str | None
    agent_status: str | None
    origin: str = Field(description="orchestration, person or elsewhere.")
    account_id: str = Field(description="Whose key it is; see GET accounts.")
    orchestration_id: str | None
    task_key: str | None
    repository: str | None
    ref: str | None
    branch: str | None
    pr_url: str | None
    model: str | None
    latest_run_id: str | None
    error_message: str | None
    created_at: Time
    launched_at: Time | None
    observed_at: Time | None
    active_at: Time | None = Field(description="The newest sign of life that Cursor told of.")
    shelf: str = Field(description="current, archived or deleted, at Cursor.")
    tokens: int | None = Field(description="Null while Cursor has recorded nothing.")
    cost_cents: float | None = Field(description="US cents charged; null where it is not known.")
    pinned: bool
    tags: list[str]
    doubt: str | None = Field(description="Why the status may not be the truth; null where nothing speaks against it.")


class Group(Answer):
    """How many agents have something in common; `value` is null for those that have none of it."""

    value: str | None
    count: int


class Run(Answer):
    """One run of an agent."""

    id: str
    status: str
    prompt: str | None
    result: str | None
    duration_ms: int | None
    created_at: Time
    ended_at: Time | None
    observed_at: Time


class Followup(Answer):
    """One follow-up and whether Cursor has it."""

    id: str
    prompt: str
    status: str
    run_id: str | None
    error_message: str | None
    created_by: str
    created_at: Time
    sent_at: Time | None


class Agent(AgentLine):
    """One agent, whole: its runs and follow-ups oldest first, and the controls that make sense now."""

    prompt: str | None
    url: str | None
    created_by: str | None
    runs: list[Run]
    followups: list[Followup]
    controls: list[str]
    code_host: CodeHost = Field(description="Branch, pull request, checks and files, by the code host's own word.")
    status_source: str | None = Field(description="Who the status is from; null while nobody said anything.")
    status_observed_at: Time | None
    words: list[Word] = Field(description="What each source said last, the newest first.")
    disagreement: Disagreement | None


class RefusedAgent(Answer):
    """An agent that an action leaves out."""

    id: str
    reason: str


class BulkAgents(Answer):
    """The agents that an action takes in and leaves out; `batch_id` is null where it was only looked at."""

    batch_id: str | None
    accepted: list[str]
    refused: list[RefusedAgent]


class Upload(Answer):
    """A picture that was taken in."""

    id: str
    mime_type: str
    size_bytes: int


class AcceptedFollowup(Answer):
    """A follow-up that is recorded and will be sent."""

    id: str
    agent_id: str
    status: str = Field(description="queued.")


class Account(Answer):
    """An account at Cursor; of its key nothing but the end, and nothing at all of the environment's."""

    id: str
    name: str
    status: str = Field(description="active, paused or refused.")
    source: str = Field(description="environment (CURSOR_API_KEY) or stored.")
    is_default: bool
    key_last4: str | None
    key_name: str | None
    owner_email: str | None
    owner_name: str | None
    api_url: str | None
    requests_per_minute: int | None = Field(description="null: as CURSOR_RATE_PER_MINUTE says.")
    max_parallel_agents: int | None = Field(description="null: no limit of its own; so of the next three.")
    max_agents_per_day: int | None
    max_followups_per_day: int | None
    max_cents_per_day: int | None
    agents_today: int = Field(description="Begun since midnight UTC, by hand too.")
    followups_today: int
    cents_today: float = Field(description="As far as Cursor has told.")
    requests_left: int | None = Field(description="What the rate limit lets through at once; null before any request.")
    requests_budget: int | None
    pace_percent: int | None = Field(description="Below 100 after Cursor refused with 429.")
    blocked_until: Time | None = Field(description="Cursor asked for patience until then.")
    trouble: str | None = Field(description="key, plan, money or secret; null while all is well.")
    message: str | None = Field(description="What is wrong and what to do.")
    refused_at: Time | None
    checked_at: Time | None
    last_ok_at: Time | None
    created_at: Time
    created_by: str | None
    controls: list[str]


class Me(Answer):
    """Whose key is used; null until Cursor was asked once, and for keys of no person."""

    key_name: str | None
    email: str | None
    name: str | None


class Spent(Answer):
    """Tokens, and cost in US cents; null where Cursor has recorded nothing yet."""

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    total_tokens: int | None
    charged_cents: float | None
    raw_cents: float | None


class RunSpent(Spent):
    """What one run used."""

    run_id: str


class AgentSpent(Spent):
    """What an agent used, whole and by run."""

    runs: list[RunSpent]


class Usage(Answer):
    """As last read from Cursor; reading it asks for it anew, so look again in a moment."""

    fetched_at: Time | None
    refusal: str | None = Field(description="Cursor's code, where it does not tell.")
    usage: AgentSpent | None


class Artifact(Answer):
    """A file that an agent left behind."""

    path: str
    size_bytes: int | None
    updated_at: Time | None


class Artifacts(Answer):
    """As last read from Cursor; reading it asks for it anew, so look again in a moment."""

    fetched_at: Time | None
    refusal: str | None = Field(description="Cursor's code, where it does not tell.")
    items: list[Artifact]


class Branch(Answer):
    """A branch that an agent pushed."""

    repository: str | None
    branch: str
    pr_url: str | None
    agent_id: str
    created_at: Time


class TakenDelivery(Answer):
    """What became of a webhook."""

    status: str = Field(description="accepted, outdated (something newer is known) or duplicate.")


class JobLine(Answer):
    """A job in a list; `error` is the newest there was."""

    id: int
    kind: str
    status: str = Field(description="pending, processing, completed, failed or cancelled.")
    waiting_for: str | None = Field(
        description="What a pending job waits for: time, retry, turn, worker, bulk_slot or newer_version."
    )
    priority: int
    attempts: int
    max_attempts: int
    orchestration_id: str | None
    agent_id: str | None
    error: str | None
    leased_by: str | None
    leased_until: Time | None
    next_run_at: Time
    created_at: Time
    finished_at: Time | None


class JobError(Answer):
    """One try that failed."""

    attempt: int
    at: Time
    worker: str | None
    error: str


class Job(JobLine):
    """One job, whole: every error, oldest first, and the controls that make sense now."""

    args: dict[str, Any]
    dedupe_key: str | None
    errors: list[JobError]
    controls: list[str]


class BulkJobs(Answer):
    """How many jobs an action would change, or changed."""

    count: int
    is_done: bool


class ModelValue(Answer):
    """A value that a parameter of a model may have."""

    value: str
    name: str


class ModelParameter(Answer):
    """A setting of a model, such as how long it thinks."""

    id: str
    name: str
    values: list[ModelValue] = Field(validation_alias="choices")


class Model(Answer):
    """A model that agents can be launched with."""

    id: str
    name: str
    parameters: list[ModelParameter]


class Repository(Answer):
    """A repository that the key can reach, as an https URL."""

    repository: str


class Component(Answer):
    """One part of the product: `status` ok, degraded, down or unknown, and its facts."""

    model_config = ConfigDict(from_attributes=True, extra="allow")

    status: str
    message: str


class Health(Answer):
    """The whole product: `status` ok, degraded or down."""

    status: str
    version: str
    components: dict[str, Component]


class HealthEvent(Answer):
    """One heartbeat, or one change of a part."""

    id: int
    service: str
    instance: str
    kind: str
    details: dict[str, Any]
    created_at: Time
