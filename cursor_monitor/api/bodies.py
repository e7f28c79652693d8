"""What the API reads: the shape and types of each body; what the values mean is checked by the services."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cursor_monitor.domain.fleet import BATCH_LIMIT, TAG_LIMIT
from cursor_monitor.domain.jobs import IDS_LIMIT
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.plan import PROMPT_LIMIT, WALL_LIMIT


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character NUL (U+0000)")
    return value


Text = Annotated[str, AfterValidator(_without_nul)]
"""A string that Postgres can store."""

# Bounds go to the OpenAPI document only: the services hold the one check, for pages and API alike.
Prompt = Annotated[
    Text,
    Field(description="What is asked for.", json_schema_extra={"minLength": 1, "maxLength": PROMPT_LIMIT}),
]
RepositoryName = Annotated[
    Text, Field(description="`owner/name`, or its https URL.", json_schema_extra={"minLength": 1})
]


def _documented(description: str, **schema: Any) -> Any:
    return Field(default=None, description=description, json_schema_extra=schema or None)


class Body(BaseModel):
    """Base of all bodies: no unknown field, no silent conversion, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """The fields as sent; null means the same as absent."""
        return self.model_dump(exclude_none=True)


class OptionsBody(Body):
    """The limits of one orchestration; caps, never targets."""

    max_parallel_agents: int | None = _documented("Agents at work at once.", minimum=1, maximum=50)
    max_iterations: int | None = _documented("Follow-ups per agent.", minimum=1, maximum=100)
    max_attempts: int | None = _documented("Agents per task, after an error of the run.", minimum=1, maximum=10)
    best_of: int | None = _documented("Candidates of each task, of which the best is kept.", minimum=1, maximum=8)
    models: list[Text] | None = _documented("The candidates' models in turn; without best_of, one candidate each.")
    choose_by_hand: bool | None = _documented("A person says which candidate is kept, where several completed.")
    quality_threshold: int | None = _documented("Score below which work goes on.", minimum=0, maximum=100)
    auto_create_pr: bool | None = _documented("Open a pull request for each branch.")
    require_approval: bool | None = _documented("Wait for a person before the first agent is launched.")
    max_agents: int | None = _documented("Agents in all.", minimum=1, maximum=10_000)
    max_followups: int | None = _documented("Follow-ups in all.", minimum=1, maximum=100_000)
    budget_cents: int | None = _documented("US cents in all, as Cursor charges them.", minimum=1, maximum=100_000_000)
    wall_hours: float | None = _documented("Hours from its start to its end.", exclusiveMinimum=0, maximum=WALL_LIMIT)
    require_checks: bool | None = _documented("Accept work only once the checks of its head have passed.")
    required_checks: list[Text] | None = _documented("Accept work only once these checks have passed.")
    protected_paths: list[Text] | None = _documented("Files, folders or patterns that no agent may change.")
    stop_loops: bool | None = _documented("Stop an agent that goes in circles; it is told of in any case.")
    max_nudges: int | None = _documented(
        "Times such an agent is sent another way before another takes over.", minimum=0, maximum=10
    )
    priority: int | None = _documented("The higher the sooner where several wait for a slot.", minimum=0, maximum=9)
    timeout_hours: float | None = _documented("A run without an end is cancelled.", exclusiveMinimum=0, maximum=168)
    reviewer: Any = _documented(
        "A second agent judges what passes; a model's name chooses its model.",
        anyOf=[{"type": "boolean"}, {"type": "string"}, {"type": "null"}],
    )


class BudgetBody(Body):
    """New limits of an orchestration, in all and not in addition; what is left out stays."""

    max_agents: int | None = _documented("Agents in all.", minimum=1, maximum=10_000)
    max_followups: int | None = _documented("Follow-ups in all.", minimum=1, maximum=100_000)
    budget_cents: int | None = _documented("US cents in all, as Cursor charges them.", minimum=1, maximum=100_000_000)
    wall_hours: float | None = _documented("Hours from its start to its end.", exclusiveMinimum=0, maximum=WALL_LIMIT)


class TaskBody(Body):
    """One task of an explicit plan."""

    key: Text | None = _documented("A short name that `depends_on` can use.")
    title: Text | None = _documented("A line for people.")
    prompt: Prompt
    depends_on: list[Text] | None = _documented("Keys of the tasks that must be completed first.")
    model: Text | None = _documented("Instead of the orchestration's model.")
    ref: Text | None = _documented("Branch or commit to start from, instead of the orchestration's.")
    best_of: int | None = _documented("Candidates, instead of the orchestration's number.", minimum=1, maximum=8)
    models: list[Text] | None = _documented("Its candidates' models in turn; without best_of, one candidate each.")


class PlanTaskBody(TaskBody):
    """One task of a plan that was made."""

    is_merge: bool | None = _documented("A step that the plan put in to merge branches.")
    candidate_of: Text | None = _documented("The task that this is one of several tries at, as the plan put it in.")


class LaunchOrchestrationBody(Body):
    """A new orchestration; its `prompt`, or a `template` to make it from."""

    prompt: Text | None = _documented("What is asked for.", minLength=1, maxLength=PROMPT_LIMIT)
    template: Text | None = _documented("The name or id of one of GET templates, in place of the prompt.")
    variables: dict[Text, Text] | None = _documented("What goes into the template.")
    repository: RepositoryName
    ref: Text | None = _documented("Branch or commit to start from; the default branch where absent.")
    model: Text | None = _documented("One of GET models; Cursor's default where absent.")
    account: Text | None = _documented("The name or id of one of GET accounts; the default one where absent.")
    mode: Text | None = _documented("How the work is split over agents.", enum=[*map(str, Mode), None])
    name: Text | None = _documented("A line for people; made from the prompt where absent.")
    tasks: list[TaskBody] | None = _documented(
        "The plan; where absent, the prompt is split, or in AUTO a planner is asked."
    )
    options: OptionsBody | None = _documented("Limits.")
    plan_hash: Text | None = _documented("From a dry run: launch only if the plan is still that one.")


class PlanBody(Body):
    """Another plan, in the place of one that waits for approval."""

    tasks: list[PlanTaskBody] = Field(description="All of it; merge steps and candidates are made anew.")
    plan_hash: Text | None = _documented("Of the plan that was looked at: edit only if it is still that one.")


class ApproveBody(Body):
    """An approval."""

    plan_hash: Text | None = _documented("Of the plan that was looked at: approve only if it is still that one.")


class ParamBody(Body):
    """A parameter of a model, as GET models lists them."""

    id: Text
    value: Text


class ImageBody(Body):
    """A picture: at an address that Cursor can reach, or one that was uploaded."""

    url: Text | None = _documented("An http(s) address.")
    upload_id: Text | None = _documented("What POST uploads answered with.")


class RepositoryBody(Body):
    """One of several repositories to work in."""

    repository: Text | None = _documented("`owner/name`, or its https URL; may be left out beside pr_url.")
    ref: Text | None = _documented("Branch or commit to start from.")
    pr_url: Text | None = _documented("A pull request to start from, instead of ref.")


class LaunchAgentBody(Body):
    """A new agent, outside any orchestration."""

    prompt: Prompt
    repository: Text | None = _documented("`owner/name`, or its https URL; or give repositories, or pr_url.")
    ref: Text | None = _documented("Branch or commit to start from; the default branch where absent.")
    pr_url: Text | None = _documented("A pull request to start from, instead of ref.")
    repositories: list[RepositoryBody] | None = _documented("Instead of repository: several.", minItems=1, maxItems=20)
    model: Text | None = _documented("One of GET models; Cursor's default where absent.")
    model_params: list[ParamBody] | None = _documented("Parameters of the model.", maxItems=20)
    mode: Text | None = _documented("agent works at once, plan plans first.", enum=["agent", "plan", None])
    images: list[ImageBody] | None = _documented("Pictures to show with the prompt.", maxItems=5)
    skip_reviewer_request: bool | None = _documented("Ask nobody to review; only with auto_create_pr.")
    work_on_current_branch: bool | None = _documented("Push to the branch it starts from, instead of a new one.")
    account: Text | None = _documented("The name or id of one of GET accounts; the default one where absent.")
    name: Text | None = _documented("A line for people.")
    auto_create_pr: bool | None = _documented("Open a pull request for its branch.")


AccountKey = Annotated[Text, Field(description="A key of Cursor's dashboard.", json_schema_extra={"writeOnly": True})]


class AccountBody(Body):
    """A further account at Cursor."""

    name: Text = Field(description="What it is called here.", json_schema_extra={"minLength": 1, "maxLength": 60})
    key: AccountKey
    requests_per_minute: int | None = _documented("Instead of CURSOR_RATE_PER_MINUTE.", minimum=5, maximum=1_000_000)


class AccountChangeBody(Body):
    """What changes of an account; what is absent stays, and null takes a limit away."""

    name: Text | None = _documented("What it is called here.", minLength=1, maxLength=60)
    requests_per_minute: int | None = _documented("Instead of CURSOR_RATE_PER_MINUTE.", minimum=5, maximum=1_000_000)
    max_parallel_agents: int | None = _documented("Tasks of it at work at once.", minimum=1, maximum=10_000)
    max_agents_per_day: int | None = _documented("Agents it may begin a day (UTC).", minimum=1, maximum=1_000_000)
    max_followups_per_day: int | None = _documented("Follow-ups a day.", minimum=1, maximum=10_000_000)
    max_cents_per_day: int | None = _documented("US cents it may spend a day.", minimum=1, maximum=100_000_000)


class AccountKeyBody(Body):
    """Another key for an account."""

    key: AccountKey


class FollowupBody(Body):
    """A further prompt to an agent."""

    prompt: Prompt
    model: Text | None = _documented("Another model, from this run on.")
    model_params: list[ParamBody] | None = _documented("Parameters of that model.", maxItems=20)
    mode: Text | None = _documented("agent or plan; as before where absent.", enum=["agent", "plan", None])
    images: list[ImageBody] | None = _documented("Pictures to show with the prompt.", maxItems=5)


class FleetFilterBody(Body):
    """Which agents are meant: those that fit all of what is given."""

    status: Text | None = _documented("Only those with this status.")
    repository: Text | None = _documented("`owner/name` or a URL: that one; other text: those that contain it.")
    origin: Text | None = _documented("orchestration, person or elsewhere.")
    tag: Text | None = _documented("Only those with this tag.")
    shelf: Text | None = _documented("current, archived or deleted.")
    pinned: bool | None = _documented("Only those that are pinned, or that are not.")
    q: Text | None = _documented("Words, or their beginnings.")
    account: Text | None = _documented("Only those of this account, by its name or id.")


class BulkAgentsBody(Body):
    """An action on many agents: those of `ids`, or those that fit `filter`."""

    action: Literal["followup", "stop", "archive", "unarchive", "delete", "tag", "untag", "pin", "unpin"]
    ids: list[Text] | None = _documented("The agents.", minItems=1, maxItems=BATCH_LIMIT)
    filter: FleetFilterBody | None = _documented("Instead of ids: all agents that fit.")
    prompt: Text | None = _documented("Of a follow-up.")
    tag: Text | None = _documented("To put on or take off.")
    expected_count: int | None = Field(
        default=None, ge=0, le=BATCH_LIMIT, description="The number accepted that was shown; absent: only look."
    )
    batch_id: Text | None = _documented("A UUID that you make up; the same once more does nothing.")


class TagBody(Body):
    """A tag."""

    tag: Text = Field(description="A word or a few.", json_schema_extra={"minLength": 1, "maxLength": TAG_LIMIT})


class BulkJobsBody(Body):
    """An action on these jobs, or on all of a status and kind."""

    action: Literal["retry", "run-now", "discard"]
    ids: list[int] | None = _documented(
        "Only these; absent: whatever the filter takes in.", minItems=1, maxItems=IDS_LIMIT
    )
    status: Text | None = _documented("Only those with this status.")
    kind: Text | None = _documented("Only those of this kind.")
    expected_count: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="The number that was shown; absent: only count."
    )
