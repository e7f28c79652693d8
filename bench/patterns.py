"""Orchestrations as the engine makes them, from request to end, with agents that answer as they are told to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain import events as e
from cursor_monitor.domain.code_host import CodeHostFacts
from cursor_monitor.domain.orchestration import Attempt, Options, PlanTask, Report, Snapshot, Task, TestCounts
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine import decide
from cursor_monitor.engine.fold import begin, evolve
from cursor_monitor.store import agents, orchestrations
from cursor_monitor.store import events as event_store

STEP = timedelta(seconds=15)
REPOSITORY = "https://github.com/acme/web"
CHAIN = ("model", "api", "docs")
PROMPT = "Rename invoices to bills in the tables, the routes and the guide, and keep redirects for the old routes. "
ANSWER = "I went through the callers, renamed what was left and ran the tests again; the details are in the report. "


@dataclass(frozen=True, slots=True)
class Ways:
    """How an orchestration's agents do: runs until the work is done, and the tasks that fail."""

    iterations: int = 0
    failing: tuple[str, ...] = ()


@dataclass
class Pattern:
    """An orchestration and all that happened to it."""

    snapshot: Snapshot
    now: datetime
    events: list[e.Event] = field(default_factory=list)

    def note(self, *facts: e.Event) -> None:
        """Fold in what happened."""
        for fact in facts:
            self.snapshot = evolve(self.snapshot, fact)
            self.events.append(fact)

    def settle(self) -> None:
        """Decide, as the worker would."""
        decision = decide(self.snapshot, self.now)
        self.events += decision.events
        self.snapshot = decision.snapshot
        self.now += STEP

    def write(self, session: Session) -> None:
        """Its rows, its events and its agents, without the jobs that would go on with it."""
        for event in self.events:
            if isinstance(event, e.AttemptRequested):
                agents.insert_agent(session, **_agent(self.snapshot, event))
        orchestrations.save(session, None, self.snapshot)
        event_store.append(session, UUID(self.snapshot.id), 1, self.events)


def requested(
    number: int, at: datetime, *, tasks: tuple[PlanTask, ...] = (), options: Options | None = None
) -> Pattern:
    """An orchestration as it was asked for."""
    asked = e.OrchestrationRequested(
        at=at,
        by="bench",
        name="Rename the billing API",
        mode=Mode.AUTO,
        repository=REPOSITORY,
        ref="main",
        prompt=PROMPT * 3,
        model=None,
        options=options or Options(),
        tasks=tasks or _chain(),
    )
    orchestration_id = f"{int(at.timestamp() * 1000):012x}70008{number:015x}"
    return Pattern(begin(str(UUID(orchestration_id)), asked), at, [asked])


def driven(pattern: Pattern, ways: Ways) -> Pattern:
    """The same, once its agents have done all that they will do."""
    known = -1
    while not pattern.snapshot.is_terminal and len(pattern.events) > known:
        known = len(pattern.events)
        pattern.settle()
        for task in pattern.snapshot.tasks:
            if task.attempt is not None and task.attempt.is_live:
                pattern.note(*_next(pattern, task, task.attempt, ways))
    return pattern


def ends(at: datetime) -> dict[str, Pattern]:
    """One for each way in which an orchestration ends, or rests until a person acts."""
    alone = driven(requested(2, at), Ways(1, ("model",)))
    half = driven(requested(3, at), Ways(1, ("docs",)))
    stopped = requested(4, at)
    stopped.settle()
    stopped.note(e.CancelRequested(at=stopped.now, by="bench"))
    paused = requested(7, at)
    paused.note(e.OrchestrationPaused(at=at + STEP, by="bench"))
    return {
        "completed": driven(requested(1, at), Ways(1)),
        "thorough": driven(requested(8, at), Ways(2)),
        "error": alone,
        "partial": half,
        "stopped": driven(stopped, Ways()),
        "waiting": driven(requested(5, at, options=Options(require_approval=True)), Ways()),
        "blocked": driven(requested(6, at, options=Options(max_agents=1)), Ways(1)),
        "paused": paused,
    }


def long(at: datetime, tasks: int, iterations: int) -> Pattern:
    """One with many events: so many tasks side by side, each gone on with so often."""
    plan = tuple(PlanTask(f"part-{n:03d}", f"Part {n}", f"Move part {n}. {PROMPT}") for n in range(tasks))
    options = Options(max_parallel_agents=tasks, max_iterations=iterations + 1)
    return driven(requested(9, at, tasks=plan, options=options), Ways(iterations))


def _chain() -> tuple[PlanTask, ...]:
    return tuple(
        PlanTask(key, f"Rename the {key}", f"Rename the {key}. {PROMPT}", CHAIN[:place][-1:])
        for place, key in enumerate(CHAIN)
    )


def _next(pattern: Pattern, task: Task, attempt: Attempt, ways: Ways) -> Iterator[e.Event]:
    """What comes next of an agent: it is launched, takes a follow-up, or its run ends."""
    place: dict[str, Any] = {"at": pattern.now, "task_key": task.key, "agent_id": attempt.agent_id}
    run_id = f"run-{attempt.agent_id[3:]}-{attempt.iterations}"
    if attempt.run is None:
        yield e.AttemptLaunched(**place, run_id=run_id, run_status="CREATING")
    elif attempt.unsent_followup is not None:
        yield e.FollowUpSent(**place, followup_id=attempt.unsent_followup.id, run_id=run_id, run_status="CREATING")
    elif attempt.run.status == "CREATING":
        yield e.RunObserved(**place, run_id=run_id, run_status="RUNNING")
    elif attempt.run.status == "RUNNING":
        yield from _end(place, run_id, task, attempt, ways)


def _end(place: dict[str, Any], run_id: str, task: Task, attempt: Attempt, ways: Ways) -> Iterator[e.Event]:
    if task.key in ways.failing:
        yield e.RunObserved(**place, run_id=run_id, run_status="ERROR", result="The environment could not be set up.")
        return
    left = ways.iterations - attempt.iterations
    todo = (f"the callers in part {left} of the web app",) if left > 0 else ()
    yield e.RunObserved(
        **place,
        run_id=run_id,
        run_status="FINISHED",
        result=ANSWER * 2,
        report=Report(("the tables", "the routes"), todo, TestCounts(48, 48, 0), ("billing/models.py",), 0.9),
        branch=f"cursor/{task.key}-{attempt.agent_id[-4:]}",
        pr_url=f"{REPOSITORY}/pull/{1 + int(attempt.agent_id[-4:], 16)}",
    )
    yield e.UsageObserved(**place, run_id=run_id, cents=12.5 * (1 + attempt.iterations))
    facts = CodeHostFacts("open" if todo else "merged", attempt.agent_id[3:11] * 5, "passed", (), 4, place["at"])
    yield e.CodeHostObserved(**place, facts=replace(facts, passed_checks=("tests", "lint")))


def _agent(s: Snapshot, event: e.AttemptRequested) -> dict[str, object]:
    attempt = next(a for a in s.task(event.task_key).attempts if a.agent_id == event.agent_id)
    task, run = s.task(event.task_key), attempt.run
    return {
        "id": event.agent_id,
        "name": event.name,
        "origin": "orchestration",
        "orchestration_id": None,  # set once that is written
        "task_key": event.task_key,
        "launch_status": "launched",
        "agent_status": "IDLE",
        "repository": s.repository,
        "ref": event.ref,
        "prompt": event.prompt,
        "branch": task.branch,
        "pr_url": task.pr_url,
        "latest_run_id": run.id if run else None,
        "run_status": run.status if run else "CANCELLED",
        "cost_cents": attempt.cents,
        "created_by": "bench",
        "created_at": event.at,
        "launched_at": event.at + STEP,
        "observed_at": s.completed_at or event.at,
    }
