"""The status words, the same in database, API, pages and code."""

from __future__ import annotations

from enum import StrEnum


class OrchestrationStatus(StrEnum):
    """Where an orchestration stands."""

    QUEUED = "queued"  # recorded, no worker has looked at it yet
    RUNNING = "running"
    PAUSED = "paused"  # a person stopped it; live runs end, nothing new starts
    WAITING = "waiting"  # for a person's approval
    BLOCKED = "blocked"  # needs a person: budget, usage limit, permission
    COMPLETED = "completed"  # every task completed (or was skipped by a person)
    PARTIAL = "partial"  # some tasks completed, others did not
    ERROR = "error"  # no task completed
    STOPPED = "stopped"  # cancelled by a person


class TaskStatus(StrEnum):
    """Where one task of a plan stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"  # by a person, or because a task it depends on did not complete
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """Where one try at a task stands: one agent."""

    LAUNCHING = "launching"  # its agent id is committed; Cursor may or may not know it yet
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # the agent was deleted elsewhere


class JobStatus(StrEnum):
    """Where an outbox job stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"  # a dead letter
    CANCELLED = "cancelled"


class WorkerStatus(StrEnum):
    """What a worker's newest heartbeat says."""

    ONLINE = "online"
    STALE = "stale"  # older than two intervals
    OFFLINE = "offline"


class Mode(StrEnum):
    """How the work of an orchestration is split over agents."""

    SINGLE_AGENT = "SINGLE_AGENT"  # one task, the whole prompt
    PIPELINE = "PIPELINE"  # tasks in order, each on the branch of the one before
    BATCH = "BATCH"  # independent tasks
    AUTO = "AUTO"  # the dependencies given with the tasks


class Level(StrEnum):
    """How loud an event is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class Verdict(StrEnum):
    """What the engine made of a finished run."""

    COMPLETE = "COMPLETE"
    CONTINUE = "CONTINUE"  # work remains, or the report is missing
    TEST = "TEST"  # no tests were reported
    FIX = "FIX"  # failures were reported, or the score is below the threshold
    REVIEW = "REVIEW"  # it passes; a reviewer is to look at it
    GIVE_UP = "GIVE_UP"


ORCHESTRATION_TERMINAL = frozenset(
    {
        OrchestrationStatus.COMPLETED,
        OrchestrationStatus.PARTIAL,
        OrchestrationStatus.ERROR,
        OrchestrationStatus.STOPPED,
    }
)
TASK_TERMINAL = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED})
OPEN_AGAIN = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.SKIPPED})
"""What a retry opens again."""
ATTEMPT_LIVE = frozenset({AttemptStatus.LAUNCHING, AttemptStatus.RUNNING})

RUN_TERMINAL = frozenset({"FINISHED", "ERROR", "CANCELLED", "EXPIRED"})
"""Cursor's own words for a run that has ended; unknown words are kept as they come and count as running."""
