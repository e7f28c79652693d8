"""What became of a worker's jobs since it started, by kind, and how long they waited and took."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from cursor_monitor.domain.jobs import ClaimedJob
from cursor_monitor.domain.latency import bucket_of


class Tally:
    """Only counts that grow, so that two readings tell what happened between them.

    The event loop adds, another thread reads: each reads a copy that is made in one step.
    """

    def __init__(self) -> None:
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._waits: Counter[tuple[str, int]] = Counter()
        self._runs: Counter[tuple[str, int]] = Counter()

    def add(self, job: ClaimedJob, outcome: str, ran_seconds: float) -> None:
        """A job that was worked on for so long, with what came of it."""
        kind = job.kind
        self._outcomes[kind, outcome] += 1
        self._waits[kind, bucket_of(job.waited_seconds)] += 1
        self._runs[kind, bucket_of(ran_seconds)] += 1

    def outcomes(self) -> dict[str, int]:
        """How often each outcome was, over all kinds."""
        found: Counter[str] = Counter()
        for (_, outcome), number in self._outcomes.copy().items():
            found[outcome] += number
        return dict(found)

    def by_kind(self) -> dict[str, dict[str, Any]]:
        """For each kind its outcomes, and the histograms of its waits and runs."""
        found: defaultdict[str, dict[str, Any]] = defaultdict(lambda: {"outcomes": {}, "waits": {}, "runs": {}})
        for name, counts in (("outcomes", self._outcomes), ("waits", self._waits), ("runs", self._runs)):
            for (kind, key), number in counts.copy().items():
                found[kind][name][str(key)] = number
        return dict(found)
