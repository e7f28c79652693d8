"""What each task did when, from its events: stretches of waiting, launching, running, being judged, held, paused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import REVIEW
from cursor_monitor.domain.status import RUN_TERMINAL

WHOLE = "@orchestration"
"""The key of the row that is the orchestration's own."""


class Kind(StrEnum):
    """What a stretch of time was spent on."""

    WAIT = "wait"
    LAUNCH = "launch"
    RUN = "run"
    REVIEW = "review"
    JUDGE = "judge"
    HELD = "held"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One thing that a task did, from when to when (None: still), and in words why."""

    kind: Kind
    words: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The stretches of one task, in order, none of them overlapping."""

    key: str
    stretches: tuple[Stretch, ...]
    is_critical: bool = False


@dataclass
class _Line:
    """A row while it is made: what is under way, and what is over."""

    stretches: list[Stretch] = field(default_factory=list)
    current: Stretch | None = None
    agent: int = 0
    run: int = 0
    role: Kind = Kind.RUN
    is_over: bool = False

    def begin(self, kind: Kind, words: str, at: datetime) -> None:
        self.end(at)
        self.current, self.is_over = Stretch(kind, words, at), False

    def end(self, at: datetime) -> None:
        if self.current is not None and at > self.current.start:
            self.stretches.append(Stretch(self.current.kind, self.current.words, self.current.start, at))
        self.current = None

    def close(self, at: datetime) -> None:
        self.end(at)
        self.is_over = True

    def whole(self) -> tuple[Stretch, ...]:
        return tuple(self.stretches + ([self.current] if self.current else []))


def rows(events: Sequence[e.Event], waits: Mapping[str, Sequence[str]]) -> tuple[Row, ...]:
    """The orchestration's own row where it ever stood still, then one for each task in the order of `waits`."""
    lines = {key: _Line() for key in (WHOLE, *waits)}
    done: dict[str, datetime] = {}
    for event in events:
        _whole(lines[WHOLE], event)
        if isinstance(event, e.PlanMade | e.PlanApproved | e.OrchestrationStarted):
            for key, line in lines.items():
                if key != WHOLE and line.current is None and not line.stretches and not line.is_over:
                    line.begin(Kind.WAIT, "", event.at)
        if isinstance(event, e.TaskEvent) and (line := lines.get(event.task_key)) is not None:
            _step(line, event)
            if isinstance(event, e.TaskCompleted | e.TaskSkipped):
                done[event.task_key] = event.at
    critical = _critical(
        waits, {key: line.stretches[-1] for key, line in lines.items() if line.is_over and line.stretches}
    )
    own = [Row(WHOLE, lines[WHOLE].whole())] if lines[WHOLE].whole() else []
    made = [Row(key, tuple(_explained(lines[key].whole(), waits[key], done)), key in critical) for key in waits]
    return (*own, *made)


def _whole(line: _Line, event: e.Event) -> None:
    match event:
        case e.ApprovalRequested():
            line.begin(Kind.HELD, "the plan waits for approval", event.at)
        case e.OrchestrationPaused():
            line.begin(Kind.PAUSED, f"paused by {event.by}", event.at)
        case e.OrchestrationBlocked():
            line.begin(Kind.HELD, event.summary, event.at)
        case e.PlannerRequested():
            line.begin(Kind.LAUNCH, "being planned", event.at)
        case e.PlanApproved() | e.PlanMade() | e.OrchestrationResumed() | e.OrchestrationStarted():
            line.end(event.at)
        case e.OrchestrationEnded():
            line.end(event.at)
        case _:
            pass


def _step(line: _Line, event: e.TaskEvent) -> None:
    match event:
        case e.AttemptRequested():
            line.role = Kind.REVIEW if event.role == REVIEW else Kind.RUN
            line.agent += line.role is Kind.RUN
            line.run = 0
            who = "a reviewer" if line.role is Kind.REVIEW else f"agent {line.agent}"
            line.begin(Kind.LAUNCH, f"{who} is being launched", event.at)
        case e.AttemptLaunched() | e.FollowUpSent():
            line.run += 1
            _run(line, event.at)
        case e.FollowUpRequested():
            line.role = Kind.RUN
            line.begin(Kind.LAUNCH, f"a follow-up ({event.asks}) is on its way", event.at)
        case e.AttemptHeld():
            line.begin(Kind.HELD, event.error, event.at)
        case e.AttemptReleased():
            line.begin(Kind.LAUNCH, "tried again", event.at)
        case e.RunObserved() if event.run_status in RUN_TERMINAL:
            if line.current is not None:
                line.begin(Kind.JUDGE, f"run {event.run_status.lower()}, being judged", event.at)
        case e.AttemptEnded() | e.TaskRetried():
            if not line.is_over or isinstance(event, e.TaskRetried):
                line.begin(Kind.WAIT, "", event.at)
        case e.TaskCompleted() | e.TaskFailed() | e.TaskSkipped() | e.TaskCancelled():
            line.close(event.at)
        case _:
            pass


def _run(line: _Line, at: datetime) -> None:
    who = "reviewer" if line.role is Kind.REVIEW else f"agent {line.agent}, run {line.run}"
    line.begin(line.role, who, at)


def _explained(stretches: Iterable[Stretch], after: Sequence[str], done: Mapping[str, datetime]) -> Iterable[Stretch]:
    """Waiting parted into that for other tasks and that for a slot, each with its words."""
    for one in stretches:
        if one.kind is not Kind.WAIT:
            yield one
            continue
        ready = one.start if all(key in done for key in after) else None
        if ready is not None and after:
            ready = max(one.start, *(done[key] for key in after))
        words = f"waits for {', '.join(after)}"
        if ready is None or (one.end is not None and ready >= one.end):
            yield Stretch(Kind.WAIT, words, one.start, one.end)
            continue
        if ready > one.start:
            yield Stretch(Kind.WAIT, words, one.start, ready)
        yield Stretch(Kind.WAIT, "waits for a slot", ready, one.end)


def _critical(waits: Mapping[str, Sequence[str]], last_of: Mapping[str, Stretch]) -> frozenset[str]:
    """The chain of tasks that decided when it was over: the last to end, and each time what it waited for longest."""
    known = {key: one.end for key, one in last_of.items() if one.end is not None and key in waits}
    chain: list[str] = []
    candidates: Iterable[str] = known
    when: Callable[[str], datetime] = known.__getitem__
    while last := max((key for key in candidates if key in known and key not in chain), key=when, default=""):
        chain.append(last)
        candidates = waits[last]
    return frozenset(chain) if len(chain) > 1 else frozenset()


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch on the drawing: where it begins and how long it is, in percent of the whole width."""

    stretch: Stretch
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis of time, in percent, and its word."""

    left: float
    word: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All rows on one axis, from the first beginning to the last end."""

    rows: tuple[tuple[Row, tuple[Bar, ...]], ...]
    ticks: tuple[Tick, ...]


_LEAST_WIDTH = 0.35  # percent: what took no time is still seen
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_MOST_TICKS = 8


def chart(made: Sequence[Row], now: datetime) -> Chart:
    """Place every stretch; what is still under way ends now."""
    starts = [one.start for row in made for one in row.stretches]
    if not starts:
        return Chart((), ())
    first = min(starts)
    last = max(one.end or max(now, one.start) for row in made for one in row.stretches)
    seconds = max((last - first).total_seconds(), 1.0)

    def bar(one: Stretch) -> Bar:
        left = 100 * (one.start - first).total_seconds() / seconds
        long = 100 * ((one.end or last) - one.start).total_seconds() / seconds
        width = max(long, _LEAST_WIDTH)
        return Bar(one, round(min(left, 100 - width), 3), round(width, 3))

    return Chart(tuple((row, tuple(map(bar, row.stretches))) for row in made), _ticks(seconds))


def _ticks(seconds: float) -> tuple[Tick, ...]:
    step = next((s for s in _STEPS if seconds / s <= _MOST_TICKS), 0)
    if not step:
        days = -(-seconds // (_MOST_TICKS * 86400))
        step = int(days) * 86400
    return tuple(Tick(round(100 * at / seconds, 3), _word(at)) for at in range(0, int(seconds) + 1, step))


def _word(seconds: int) -> str:
    for name, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole} {name}" if not rest else f"{seconds / size:.2g} {name}"
    return f"{seconds} s"
