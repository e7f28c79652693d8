"""Cursor's Cloud Agents API in our words: the values it hands out and the calls it offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from cursor_monitor.cursor.limits import RateLimits
    from cursor_monitor.cursor.stream import Frame

RUN_TERMINAL = frozenset({"FINISHED", "ERROR", "CANCELLED", "EXPIRED"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture to show to an agent: at an address, or its bytes with their type."""

    url: str | None = None
    data: bytes | None = field(default=None, repr=False)
    mime_type: str | None = None


@dataclass(frozen=True, slots=True)
class RepositorySpec:
    """A repository to work in; `pr_url` overrides `ref`."""

    url: str
    ref: str | None = None
    pr_url: str | None = None


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent to create; we mint `agent_id` (`bc-<uuid>`), which makes creating it safe to repeat."""

    agent_id: str
    prompt: str
    repository: str | None
    ref: str | None = None
    model: str | None = None
    model_params: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    auto_create_pr: bool = False
    mode: str = "agent"
    pr_url: str | None = None
    more_repositories: tuple[RepositorySpec, ...] = ()
    images: tuple[Image, ...] = ()
    skip_reviewer_request: bool = False
    work_on_current_branch: bool = False


@dataclass(frozen=True, slots=True)
class BranchView:
    """A branch that an agent pushed; `repository` has the form `https://github.com/o/r`."""

    repository: str
    branch: str | None
    pr_url: str | None


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent as Cursor describes it; list items carry no `repository` and `ref`."""

    id: str
    name: str | None
    status: str
    url: str | None
    repository: str | None
    ref: str | None
    latest_run_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RunView:
    """A run; `branches` are the whole agent's, the same on each of its runs; list items may lack `result`."""

    id: str
    agent_id: str
    status: str
    created_at: datetime
    updated_at: datetime
    duration_ms: int | None
    result: str | None
    branches: tuple[BranchView, ...]


@dataclass(frozen=True, slots=True)
class Launched:
    """A created agent and its first run."""

    agent: AgentView
    run: RunView | None


@dataclass(frozen=True, slots=True)
class RunUsage:
    """Tokens and cost of one run; None where Cursor has recorded nothing yet."""

    run_id: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    total_tokens: int | None
    charged_cents: float | None
    raw_cents: float | None = None


@dataclass(frozen=True, slots=True)
class UsageView:
    """Tokens and cost of an agent in US cents; `raw_cents` is undiscounted, None means not known."""

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    total_tokens: int | None
    charged_cents: float | None
    runs: tuple[RunUsage, ...]
    raw_cents: float | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that an agent left behind; `path` starts with `artifacts/`."""

    path: str
    size_bytes: int | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ArtifactUrl:
    """A presigned address of an artifact; fetch it without the key, before `expires_at`."""

    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """The owner of a key; the user fields are None for service-account and team keys."""

    key_name: str
    created_at: datetime | None
    user_id: int | None
    email: str | None
    first_name: str | None
    last_name: str | None


@dataclass(frozen=True, slots=True)
class ModelValue:
    """A value that a model parameter may take."""

    value: str
    display_name: str


@dataclass(frozen=True, slots=True)
class ModelParameter:
    """A setting of a model, such as its reasoning effort."""

    id: str
    display_name: str
    values: tuple[ModelValue, ...]


@dataclass(frozen=True, slots=True)
class ModelVariant:
    """A combination of parameters that a model accepts, some perhaps missing from the model's own list."""

    params: tuple[tuple[str, str], ...]
    display_name: str
    description: str | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A model that an agent can be asked to use."""

    id: str
    display_name: str
    description: str | None
    aliases: tuple[str, ...]
    parameters: tuple[ModelParameter, ...]
    variants: tuple[ModelVariant, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; `type` is `user_message`, `assistant_message` or a newer word."""

    id: str
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page; more follow exactly while `next_cursor` is not None, whatever the number of items."""

    items: tuple[T, ...]
    next_cursor: str | None


class CursorApi(Protocol):
    """The calls we make to Cursor; each raises Retryable, Permanent or OutcomeUnknown (see errors.py)."""

    @property
    def limits(self) -> RateLimits | None:
        """The newest rate limits that Cursor told us, or None if it never did."""
        ...

    async def create_agent(self, spec: AgentSpec) -> Launched:
        """Create an agent and its first run; an id used before raises Permanent (agent_id_conflict)."""
        ...

    async def get_agent(self, agent_id: str) -> AgentView:
        """Read one agent."""
        ...

    async def list_agents(
        self, limit: int = 100, cursor: str | None = None, include_archived: bool = True
    ) -> Listing[AgentView]:
        """List agents, newest first, at most 100 a page."""
        ...

    async def delete_agent(self, agent_id: str) -> None:
        """Delete an agent for good; a second time raises Permanent with kind gone."""
        ...

    async def archive_agent(self, agent_id: str) -> None:
        """Archive an agent; repeating it is harmless."""
        ...

    async def unarchive_agent(self, agent_id: str) -> None:
        """Make an archived agent accept runs again; repeating it is harmless."""
        ...

    async def create_run(
        self,
        agent_id: str,
        prompt: str,
        *,
        mode: str | None = None,
        model: str | None = None,
        model_params: tuple[tuple[str, str], ...] = (),
        images: tuple[Image, ...] = (),
    ) -> RunView:
        """Send a follow-up; it has no idempotency key, and a given model stays for later runs."""
        ...

    async def list_runs(self, agent_id: str, limit: int = 20, cursor: str | None = None) -> Listing[RunView]:
        """List an agent's runs, newest first, at most 100 a page."""
        ...

    async def get_run(self, agent_id: str, run_id: str) -> RunView:
        """Read one run."""
        ...

    async def cancel_run(self, agent_id: str, run_id: str) -> None:
        """Ask for a run to be cancelled; it may run on for seconds or even finish, so read it afterwards."""
        ...

    async def get_usage(self, agent_id: str, run_id: str | None = None) -> UsageView:
        """Read tokens and cost, which arrive some time after a run has ended."""
        ...

    async def list_artifacts(self, agent_id: str) -> tuple[Artifact, ...]:
        """List an agent's artifacts, at most 100."""
        ...

    async def artifact_url(self, agent_id: str, path: str) -> ArtifactUrl:
        """Get a presigned address for one artifact, good for 15 minutes."""
        ...

    async def get_me(self) -> Account:
        """Read whose key this is."""
        ...

    async def list_models(self) -> tuple[Model, ...]:
        """List the models that agents can use."""
        ...

    async def list_repositories(self) -> tuple[str, ...]:
        """List reachable repositories as URLs; slow, and allowed once a minute and 30 times an hour only."""
        ...

    async def get_conversation(self, agent_id: str) -> tuple[Message, ...]:
        """Read an agent's whole conversation (a v0 call: v1 has none)."""
        ...

    def stream_run(self, agent_id: str, run_id: str, last_event_id: str | None = None) -> AsyncGenerator[Frame, None]:
        """Follow one run live, to its `done`; a cut raises Retryable; who stops early must close it (aclosing)."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
