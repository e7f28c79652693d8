"""Where work stands on the board: the next act of a person decides it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cursor_monitor.domain.status import ORCHESTRATION_TERMINAL, OrchestrationStatus

DAY = timedelta(hours=24)
"""For so long after its end work that failed asks for an answer, and work that is done is shown as done."""


class Column(StrEnum):
    """The columns, the most urgent first."""

    RESPOND = "respond"
    REVIEW = "review"
    MERGE = "merge"
    WORKING = "working"
    WAITING = "waiting"
    DONE = "done"


NEEDS_PERSON = (Column.RESPOND, Column.REVIEW, Column.MERGE)

# The words of agents, as the statuses of orchestrations.
AGENT_STATUSES = {
    "queued": OrchestrationStatus.QUEUED,
    "blocked": OrchestrationStatus.BLOCKED,
    "working": OrchestrationStatus.RUNNING,
    "finished": OrchestrationStatus.COMPLETED,
    "failed": OrchestrationStatus.ERROR,
    "cancelled": OrchestrationStatus.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as the code host told of it; `state` None where nobody told."""

    url: str
    state: str | None = None
    checks: str = "unknown"
    mergeable: bool | None = None

    @property
    def word(self) -> str:
        """How it is called in a sentence."""
        return f"PR {self.url.rstrip('/').rpartition('/')[2]}"


@dataclass(frozen=True, slots=True)
class Work:
    """What is known of an orchestration or an agent that somebody may have to act on."""

    status: OrchestrationStatus
    reason: str | None = None
    active_agents: int = 0
    no_slot: str | None = None  # why its ready tasks have no slot
    held: str | None = None  # what holds all work back: no worker, a rate limit
    ended_at: datetime | None = None
    pulls: tuple[Pull, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where work stands and why; `tone` is that of the looks, `rank` sorts within a column, 0 first."""

    column: Column
    why: str
    tone: str
    rank: int = 0
    act: str | None = None  # what a person is to do
    pull: str | None = None  # where, if not here


def place(work: Work, now: datetime) -> Place:
    """The column of this work, and why it stands there."""
    if work.status not in ORCHESTRATION_TERMINAL:
        return _under_way(work)
    if work.status is OrchestrationStatus.COMPLETED:
        return _delivered(work, now)
    if work.status is OrchestrationStatus.STOPPED:
        return Place(Column.DONE, "stopped by a person", "gone")
    word = "some of it failed" if work.status is OrchestrationStatus.PARTIAL else "failed"
    why = f"{word}: {work.reason}" if work.reason else word
    if is_recent(work.ended_at, now):
        return Place(Column.RESPOND, why, "bad", rank=2, act="Retry or leave")
    return Place(Column.DONE, why, "bad")


def is_recent(ended_at: datetime | None, now: datetime) -> bool:
    """True for what ended within the last day."""
    return ended_at is not None and now - ended_at < DAY


def _under_way(work: Work) -> Place:
    match work.status:
        case OrchestrationStatus.WAITING:
            return Place(Column.RESPOND, "its plan waits for approval", "person", rank=0, act="Approve")
        case OrchestrationStatus.BLOCKED:
            return Place(Column.RESPOND, work.reason or "it waits for a decision", "person", rank=0, act="Decide")
        case OrchestrationStatus.PAUSED:
            return Place(Column.WAITING, "paused by a person, until it is resumed", "paused")
        case OrchestrationStatus.RUNNING if work.active_agents:
            busy = "1 agent at work" if work.active_agents == 1 else f"{work.active_agents} agents at work"
            return Place(Column.WORKING, f"{busy}; {work.no_slot}" if work.no_slot else busy, "running")
        case OrchestrationStatus.RUNNING:
            return Place(Column.WAITING, work.held or work.no_slot or "its next step, by a worker", "quiet")
        case _:
            return Place(Column.WAITING, work.held or work.no_slot or "a worker", "quiet")


def _delivered(work: Work, now: datetime) -> Place:
    """What became of the pull requests decides; the one that needs a person most speaks for all."""
    places = [found for pull in work.pulls if (found := _of_pull(pull, work, now)) is not None]
    if places:
        return min(places, key=lambda one: (list(Column).index(one.column), one.rank))
    merged = any(pull.state == "merged" for pull in work.pulls)
    return Place(Column.DONE, "merged" if merged else "completed", "good")


def _of_pull(pull: Pull, work: Work, now: datetime) -> Place | None:
    if pull.state in ("merged", "closed"):
        return None
    if pull.state is None:
        if not is_recent(work.ended_at, now):
            return None
        why = f"{pull.word} is open as far as is known"
        return Place(Column.REVIEW, why, "person", rank=2, act="Review", pull=pull.url)
    if pull.checks == "failed":
        return Place(Column.RESPOND, f"checks of {pull.word} failed", "bad", rank=1, act="Look", pull=pull.url)
    if pull.mergeable is False:
        return Place(
            Column.RESPOND, f"{pull.word} conflicts with its base", "person", rank=1, act="Resolve", pull=pull.url
        )
    if pull.checks == "pending":
        return Place(Column.WAITING, f"checks of {pull.word} are under way", "quiet", pull=pull.url)
    if pull.state == "open" and pull.checks == "passed" and pull.mergeable:
        return Place(Column.MERGE, f"{pull.word} is green", "person", act="Merge", pull=pull.url)
    told = "a draft" if pull.state == "draft" else "open"
    return Place(Column.REVIEW, f"{pull.word} is {told}", "person", rank=1, act="Review", pull=pull.url)
