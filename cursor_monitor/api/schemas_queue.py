"""What the API answers about the queue as a whole."""

from __future__ import annotations

from pydantic import Field

from cursor_monitor.api.schemas_base import Answer


class QueueKind(Answer):
    """One kind of job: how many are in each state now, and what the workers say of the last hour's."""

    kind: str
    due: int
    running: int
    scheduled: int
    dead: int
    oldest_due_seconds: float | None
    completed: int
    failed: int
    tried_again: int
    wait_p50_seconds: float | None = Field(description="From when it was due to its start, about.")
    wait_p95_seconds: float | None
    run_p50_seconds: float | None
    run_p95_seconds: float | None


class QueueMinute(Answer):
    """What ended in a minute so long ago."""

    ago: int = Field(description="Minutes ago; 0 is the last 60 seconds.")
    completed: int
    failed: int
    tried_again: int
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None


class Queue(Answer):
    """The queue at a glance."""

    oldest_due_seconds: float | None
    kinds: list[QueueKind]
    minutes: list[QueueMinute]
