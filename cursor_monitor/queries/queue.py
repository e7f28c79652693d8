"""The queue at a glance: how deep it is by kind and state, and what the workers got done lately, minute by minute."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cursor_monitor.domain.latency import quantile
from cursor_monitor.store import heartbeats, metrics
from cursor_monitor.store.database import reading
from cursor_monitor.store.heartbeats import JobCounts
from cursor_monitor.store.metrics import JobCount

MINUTES = 60
STATES = ("due", "running", "scheduled", "dead")


@dataclass(frozen=True, slots=True)
class KindLine:
    """One kind of job: how many are in each state now, and how the last hour's were; seconds None where none was."""

    kind: str
    due: int
    running: int
    scheduled: int
    dead: int
    oldest_due_seconds: float | None
    completed: int
    failed: int
    tried_again: int
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None
    run_p50_seconds: float | None
    run_p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class Minute:
    """What ended in a minute so long `ago`, and how long what began in it had waited since it was due."""

    ago: int
    completed: int
    failed: int
    tried_again: int
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class Queue:
    """The kinds that have jobs or had some in the last hour, and its minutes, the oldest first."""

    kinds: tuple[KindLine, ...]
    minutes: tuple[Minute, ...]

    @property
    def oldest_due_seconds(self) -> float | None:
        """For how long the oldest due job of all has waited."""
        return max(
            (line.oldest_due_seconds for line in self.kinds if line.oldest_due_seconds is not None), default=None
        )


def get_queue() -> Queue:
    """Counts of what is live and of dead letters, never of history; the rest is what the workers' heartbeats tell."""
    with reading() as session:
        depth = metrics.count_jobs(session)
        counts = heartbeats.select_job_counts(session, minutes=MINUTES)
    return summed_up(depth, counts)


def summed_up(depth: Iterable[JobCount], counts: Sequence[JobCounts]) -> Queue:
    """The same from what was read."""
    kinds: defaultdict[str, _Sum] = defaultdict(_Sum)
    minutes: defaultdict[int, _Sum] = defaultdict(_Sum)
    for ago, kind, name, key, number in _differences(counts):
        for one in (kinds[kind], minutes[ago]):
            one.add(name, key, number)
    states: defaultdict[str, dict[str, JobCount]] = defaultdict(dict)
    for count in depth:
        states[count.kind][count.state] = count
    lines = (_line(kind, states[kind], kinds[kind]) for kind in sorted(states.keys() | kinds.keys()))
    return Queue(tuple(lines), tuple(_minute(ago, minutes[ago]) for ago in reversed(range(MINUTES))))


@dataclass(slots=True)
class _Sum:
    outcomes: Counter[str] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)
    runs: Counter[int] = field(default_factory=Counter)

    def add(self, name: str, key: str, number: int) -> None:
        if name == "outcomes":
            self.outcomes[key] += number
        elif name == "waits":
            self.waits[int(key)] += number
        else:
            self.runs[int(key)] += number


def _differences(counts: Sequence[JobCounts]) -> Iterator[tuple[int, str, str, str, int]]:
    """What came between two signs of the same worker; before the first one nothing is known, unless it just began."""
    before: dict[str, Mapping[str, Mapping[str, Mapping[str, int]]]] = {}
    for count in counts:
        was = before.get(count.instance, {} if count.is_new else None)
        before[count.instance] = count.jobs
        if was is None or count.ago >= MINUTES:
            continue
        for kind, names in count.jobs.items():
            for name, numbers in names.items():
                known = was.get(kind, {}).get(name, {})
                for key, number in numbers.items():
                    if number != known.get(key, 0):
                        yield count.ago, kind, name, key, number - known.get(key, 0)


def _line(kind: str, states: Mapping[str, JobCount], lately: _Sum) -> KindLine:
    due = states.get("due")
    numbers = {state: states[state].number if state in states else 0 for state in STATES}
    return KindLine(
        kind,
        **numbers,
        oldest_due_seconds=due.oldest_seconds if due else None,
        completed=lately.outcomes["completed"],
        failed=lately.outcomes["failed"],
        tried_again=lately.outcomes["retried"],
        wait_p50_seconds=quantile(lately.waits, 0.5),
        wait_p95_seconds=quantile(lately.waits, 0.95),
        run_p50_seconds=quantile(lately.runs, 0.5),
        run_p95_seconds=quantile(lately.runs, 0.95),
    )


def _minute(ago: int, lately: _Sum) -> Minute:
    return Minute(
        ago,
        completed=lately.outcomes["completed"],
        failed=lately.outcomes["failed"],
        tried_again=lately.outcomes["retried"],
        wait_p50_seconds=quantile(lately.waits, 0.5),
        wait_p95_seconds=quantile(lately.waits, 0.95),
    )
