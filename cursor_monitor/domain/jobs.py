"""The kinds of durable work, a claimed job, and what can come of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT

# Ten steps of priority make a level; below zero is bulk work, which never takes the slots of live work.
LEVELS: tuple[int, ...] = (3, 2, 1, 0, -1)
BULK_LEVEL = -1
BULK_PRIORITY = -10
IDS_LIMIT = 500  # jobs that can be named in one go; more are chosen by a filter
MAX_JOB_ID = 2**63 - 1


class JobKind(StrEnum):
    """What a job asks for. A job says where to look; the facts are in the rows it names."""

    ADVANCE = "advance"  # look at an orchestration and decide
    LAUNCH_AGENT = "launch_agent"
    SEND_FOLLOWUP = "send_followup"
    CANCEL_RUN = "cancel_run"
    OBSERVE_AGENT = "observe_agent"  # ask Cursor how its run is
    WATCH_FLEET = "watch_fleet"  # read Cursor's list of agents
    CHANGE_AGENT = "change_agent"  # archive, unarchive or delete it
    READ_AGENT = "read_agent"  # its usage and artifacts
    OBSERVE_CODE_HOST = "observe_code_host"  # ask the code host how its branch and pull request are
    READ_USAGE = "read_usage"  # what its runs cost, until Cursor tells
    FIND_ARTIFACT = "find_artifact"  # where one of its files is
    DISCOVER_AGENT = "discover_agent"  # take in an agent that was launched elsewhere
    LIST_BRANCHES = "list_branches"  # of a repository, at the code host
    CHECK_ACCOUNT = "check_account"  # ask Cursor whether a key works, and let its work go on
    NOTIFY = "notify"  # tell people outside of something


class JobAction(StrEnum):
    """What a person can do to a job."""

    RETRY = "retry"
    RUN_NOW = "run-now"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue; one live job per `dedupe_key`, due at `run_at` (None: now).

    Of one `concurrency_key` only as many run at once as its limit says.
    """

    kind: JobKind
    args: dict[str, Any] = field(default_factory=dict)
    orchestration_id: str | None = None
    agent_id: str | None = None
    dedupe_key: str | None = None
    priority: int = 0
    run_at: datetime | None = None
    max_attempts: int = 10
    concurrency_key: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job under this worker's lease; `attempt` counts from 1, `lease_token` only grows."""

    id: int
    kind: str
    args: dict[str, Any]
    orchestration_id: str | None
    agent_id: str | None
    attempt: int
    max_attempts: int
    lease_token: int
    is_bulk: bool = False
    has_key: bool = True  # another wish for the same work may have come in meanwhile
    waited_seconds: float = 0.0  # since it was due, by the database's clock


class LeaseLost(Exception):
    """The job is somebody else's by now; whatever its former holder was about to write is dropped."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more to do."""


@dataclass(frozen=True, slots=True)
class Snooze:
    """Look again in so many seconds; not counted as an attempt, and where it `forgets`, neither are those before."""

    seconds: float
    forgets: bool = True


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed; try again, after so many seconds if the other side said so."""

    error: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Discard:
    """It failed for good: a dead letter."""

    error: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Already completed, in the transaction of the work's own writes."""


Outcome = Done | Snooze | Retry | Discard | Settled


def advance_job(orchestration_id: str, run_at: datetime | None = None) -> NewJob:
    """Look at this orchestration again."""
    return NewJob(
        JobKind.ADVANCE,
        orchestration_id=orchestration_id,
        dedupe_key=f"advance:{orchestration_id}",
        priority=10,
        run_at=run_at,
        max_attempts=100,
    )


def launch_job(agent_id: str, orchestration_id: str | None = None) -> NewJob:
    """Launch the agent whose row is already committed."""
    return NewJob(
        JobKind.LAUNCH_AGENT,
        orchestration_id=orchestration_id,
        agent_id=agent_id,
        dedupe_key=f"launch:{agent_id}",
        priority=20,
    )


def followup_job(followup_id: str, agent_id: str, orchestration_id: str | None = None) -> NewJob:
    """Send the follow-up whose row is already committed."""
    return NewJob(
        JobKind.SEND_FOLLOWUP,
        args={"followup_id": followup_id},
        orchestration_id=orchestration_id,
        agent_id=agent_id,
        dedupe_key=f"followup:{followup_id}",
        priority=20,
    )


def cancel_job(agent_id: str, run_id: str, orchestration_id: str | None = None) -> NewJob:
    """Cancel a run."""
    return NewJob(
        JobKind.CANCEL_RUN,
        args={"run_id": run_id},
        orchestration_id=orchestration_id,
        agent_id=agent_id,
        dedupe_key=f"cancel:{run_id}",
        priority=30,
    )


def observe_job(agent_id: str, orchestration_id: str | None = None, run_at: datetime | None = None) -> NewJob:
    """Ask Cursor how the agent's newest run is, as there may be news; retried for as long as it takes."""
    return NewJob(
        JobKind.OBSERVE_AGENT,
        orchestration_id=orchestration_id,
        agent_id=agent_id,
        dedupe_key=f"observe:{agent_id}",
        priority=10,
        run_at=run_at,
        max_attempts=100,
    )


def look_job(agent_id: str, orchestration_id: str | None = None, run_at: datetime | None = None) -> NewJob:
    """Look at a run by routine, although nothing says that it has news: behind all that is asked for."""
    job = observe_job(agent_id, orchestration_id, run_at)
    return replace(job, args={"is_routine": True}, dedupe_key=f"look:{agent_id}", priority=0)


def watch_job(account_id: str = DEFAULT_ACCOUNT) -> NewJob:
    """Watch an account's fleet by Cursor's list; there is one such job for each, and it never ends."""
    return NewJob(
        JobKind.WATCH_FLEET,
        args={"account_id": account_id},
        dedupe_key=f"watch:{account_id}",
        priority=10,
        max_attempts=1000,
    )


def discover_job(agent_id: str, account_id: str = DEFAULT_ACCOUNT) -> NewJob:
    """Take in an agent that the list of that account named and nobody here knows."""
    return NewJob(
        JobKind.DISCOVER_AGENT,
        args={"account_id": account_id},
        agent_id=agent_id,
        dedupe_key=f"discover:{account_id}:{agent_id}",
        priority=-10,
    )


def check_job(account_id: str, run_at: datetime | None = None) -> NewJob:
    """Ask whether an account can be used, and let what waited for it go on."""
    return NewJob(
        JobKind.CHECK_ACCOUNT,
        args={"account_id": account_id},
        dedupe_key=f"check:{account_id}",
        priority=30,
        run_at=run_at,
        max_attempts=1000,
    )


def change_job(agent_id: str, action: str) -> NewJob:
    """Archive, unarchive or delete an agent."""
    return NewJob(
        JobKind.CHANGE_AGENT,
        args={"action": action},
        agent_id=agent_id,
        dedupe_key=f"{action}:{agent_id}",
        priority=30,
    )


def code_host_job(agent_id: str, orchestration_id: str | None = None, run_at: datetime | None = None) -> NewJob:
    """Ask the code host about an agent's work; evidence that an orchestration waits for goes before the rest."""
    return NewJob(
        JobKind.OBSERVE_CODE_HOST,
        orchestration_id=orchestration_id,
        agent_id=agent_id,
        dedupe_key=f"code-host:{agent_id}",
        priority=0 if orchestration_id else -10,
        run_at=run_at,
        max_attempts=100,
    )


def branches_job(repository: str) -> NewJob:
    """Ask the code host which branches a repository has; a person waits for it."""
    return NewJob(
        JobKind.LIST_BRANCHES,
        args={"repository": repository},
        dedupe_key=f"branches:{repository}",
        priority=30,
        max_attempts=3,
    )


def artifact_job(agent_id: str, path: str, digest: str) -> NewJob:
    """Ask where one of an agent's files is; a person waits for it."""
    return NewJob(
        JobKind.FIND_ARTIFACT,
        args={"path": path},
        agent_id=agent_id,
        dedupe_key=f"artifact:{agent_id}:{digest}",
        priority=30,
    )


def read_job(agent_id: str, *, is_awaited: bool = False) -> NewJob:
    """Read an agent's usage and artifacts; sooner where a person waits for them."""
    priority = 0 if is_awaited else -5
    return NewJob(JobKind.READ_AGENT, agent_id=agent_id, dedupe_key=f"read:{agent_id}", priority=priority)


def usage_job(agent_id: str, orchestration_id: str | None = None, run_at: datetime | None = None) -> NewJob:
    """Ask what an agent's runs cost, until Cursor has recorded the newest."""
    return NewJob(
        JobKind.READ_USAGE,
        orchestration_id=orchestration_id,
        agent_id=agent_id,
        dedupe_key=f"usage:{agent_id}",
        priority=-5,
        run_at=run_at,
        max_attempts=100,
    )


def notify_job(delivery_id: str, channel_id: str) -> NewJob:
    """Send a notification whose row is already committed, one of a channel at a time."""
    return NewJob(
        JobKind.NOTIFY,
        args={"delivery_id": delivery_id},
        dedupe_key=f"notify:{delivery_id}",
        max_attempts=8,
        concurrency_key=notify_key(channel_id),
    )


def notify_key(channel_id: str) -> str:
    """What the jobs of one channel take turns by."""
    return f"notify:{channel_id}"
