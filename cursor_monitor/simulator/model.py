"""Agents and runs as the simulator keeps them; their state is a function of the clock, never of a timer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cursor_monitor.simulator.scenarios import Scenario

CREATING = "CREATING"
RUNNING = "RUNNING"
FINISHED = "FINISHED"
ERROR = "ERROR"
CANCELLED = "CANCELLED"
EXPIRED = "EXPIRED"
NEVER = "NEVER"
TERMINAL = frozenset({FINISHED, ERROR, CANCELLED, EXPIRED})


@dataclass(slots=True)
class Run:
    """One prompt and its answer; `ends_ms` None means that only a cancellation ends it.

    `outcome` is the status it ends with; `fate` is what that was to be before anyone interfered.
    """

    id: str
    number: int
    mode: str
    prompt: str
    created_ms: int
    started_ms: int
    planned_ms: int
    ends_ms: int | None
    outcome: str
    fate: str
    images: int = 0

    def status(self, now: int) -> str:
        """The run's status word at a moment."""
        if self.ends_ms is not None and now >= self.ends_ms:
            return self.outcome
        return CREATING if now < self.started_ms else RUNNING

    def active(self, now: int) -> bool:
        """True until the run has reached a terminal status."""
        return self.ends_ms is None or now < self.ends_ms

    def updated_ms(self, now: int) -> int:
        """Frozen at the start while the run goes on, as observed on the real service."""
        if self.ends_ms is not None and now >= self.ends_ms:
            return self.ends_ms
        return self.started_ms if now >= self.started_ms else self.created_ms


@dataclass(slots=True)
class Agent:
    """A durable agent with its runs, oldest first."""

    id: str
    ordinal: int
    name: str
    created_ms: int
    spec: dict[str, Any]
    scenario: Scenario
    pr_numbers: list[int]
    owner: str | None = None
    doomed: bool = False
    rank: int = 0  # how many agents had the same prompt before
    review_round: int | None = None  # of an agent that is asked for a verdict: how many were so before
    touched_ms: int = 0
    archived: bool = False
    revived: bool = False
    deleted_ms: int | None = None
    create_calls: int = 1
    runs: list[Run] = field(default_factory=list)

    @property
    def repos(self) -> list[dict[str, Any]]:
        """The repositories as requested, each with `url`, maybe `startingRef` and `prUrl`."""
        return self.spec.get("repos", [])

    def run(self, run_id: str) -> Run | None:
        """The run with that id, if it is this agent's."""
        return next((run for run in self.runs if run.id == run_id), None)

    def busy(self, now: int) -> bool:
        """True while a run is CREATING or RUNNING."""
        return bool(self.runs) and self.runs[-1].active(now)

    def expired(self, now: int) -> bool:
        """True once a run has ended EXPIRED, until the agent is unarchived."""
        return not self.revived and any(run.outcome == EXPIRED and not run.active(now) for run in self.runs)

    def status(self, now: int) -> str:
        """ACTIVE while a turn runs, IDLE after it, ARCHIVED when archived or expired."""
        if self.archived or self.expired(now):
            return "ARCHIVED"
        return "ACTIVE" if self.busy(now) else "IDLE"

    def updated_ms(self, now: int) -> int:
        """The latest of what happened to the agent and to its runs."""
        return max([self.created_ms, self.touched_ms, *(run.updated_ms(now) for run in self.runs)])

    def pushed(self, now: int) -> bool:
        """True once a run that writes code has finished."""
        return any(run.mode == "agent" and run.status(now) == FINISHED for run in self.runs)
