"""What one decision takes: the pure rule that moves an orchestration, over a plan of two hundred tasks."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.figures import Figure
from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Options, PlanTask, Report, Snapshot, TestCounts
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine import decide
from cursor_monitor.engine.fold import begin, evolve

TITLE = "Deciding"
HOW = """\
A plan of 200 tasks in seven chains, fifty agents allowed at once. One agent after the other finishes with a good report
and its branch; each time the engine folds that in and decides: it assesses the run, completes the task and launches the
next. Only `decide` is timed, by the processor time of its thread, which other work on the machine does not stretch. The
figure is what 95 of 100 decisions stay below; the reports of all earlier tasks are in the snapshot by then."""

TASKS, CHAINS = 200, 7
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Report(done=("it",), tests=TestCounts(5, 5, 0), files=("a.py",), confidence=0.9)


def measure() -> list[Figure]:
    """Processor time of a decision."""
    taken, snapshot = [], decide(_asked(), BEGUN).snapshot
    for number in range(TASKS):
        now = BEGUN + timedelta(minutes=number)
        snapshot = _finished(snapshot, number, now)
        began = time.thread_time()
        decision = decide(snapshot, now)
        taken.append((time.thread_time() - began) * 1000)
        snapshot = decision.snapshot
        if snapshot.is_terminal:
            break
    taken.sort()
    p95 = taken[int(len(taken) * 0.95)]
    return [Figure("decide_200_tasks", p95, "ms", 2.0, details={"median_ms": round(median(taken), 3)})]


def _asked() -> Snapshot:
    tasks = tuple(
        PlanTask(f"t{n}", f"Task {n}", f"Do part {n}. " + "x" * 500, (f"t{n - CHAINS}",) if n >= CHAINS else ())
        for n in range(TASKS)
    )
    asked = e.OrchestrationRequested(
        at=BEGUN,
        by="bench",
        name="bench",
        mode=Mode.AUTO,
        repository="https://github.com/acme/web",
        ref=None,
        prompt="Do all of it. " * 300,
        model=None,
        options=replace(Options(), max_parallel_agents=50),
        tasks=tasks,
    )
    return begin("0190aaaa-0000-7000-8000-000000000001", asked)


def _finished(s: Snapshot, number: int, now: datetime) -> Snapshot:
    task = next(task for task in s.tasks if task.attempt is not None and task.attempt.is_live)
    assert task.attempt is not None
    place = {"at": now, "task_key": task.key, "agent_id": task.attempt.agent_id}
    s = evolve(s, e.AttemptLaunched(**place, run_id=f"run-{number}", run_status="RUNNING"))
    seen = e.RunObserved(**place, run_id=f"run-{number}", run_status="FINISHED", report=GOOD, branch=f"cursor/{number}")
    return evolve(s, seen)
