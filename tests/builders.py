"""Short builders of the engine's values; every field has a plain default, so that a test names only its subject."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cursor_monitor.domain.ids import attempt_agent_id
from cursor_monitor.domain.orchestration import (
    Attempt,
    Followup,
    Options,
    PlanTask,
    Report,
    RunFacts,
    Snapshot,
    Task,
    TestCounts,
)
from cursor_monitor.domain.status import AttemptStatus, Mode, OrchestrationStatus, TaskStatus

ORCHESTRATION_ID = "0190aaaa-0000-7000-8000-000000000001"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def later(hours: float = 0.0, minutes: float = 0.0) -> datetime:
    """That long after NOW."""
    return NOW + timedelta(hours=hours, minutes=minutes)


def a_report(*, passed: int = 5, failed: int = 0, **fields: Any) -> Report:
    """A report of finished work, its tests green; `tests=None` for one without tests."""
    values: dict[str, Any] = {
        "done": ("the work",),
        "tests": TestCounts(run=passed + failed, passed=passed, failed=failed),
        "files": ("src/app.py",),
        "confidence": 0.9,
    }
    return Report(**{**values, **fields})


def a_message(json_text: str) -> str:
    """A run's last message that ends with this block."""
    return f"All is done.\n\n```json\n{json_text}\n```\n"


def a_plan(*tasks: str) -> str:
    """A planner's last message; `b<a,c` is a task b that waits for a and c."""
    parts = [task.partition("<") for task in tasks]
    items = [
        {"key": key, "title": f"Task {key}", "prompt": f"Do {key}.", "depends_on": [d for d in after.split(",") if d]}
        for key, _, after in parts
    ]
    return a_message(json.dumps({"tasks": items}))


def a_run(status: str = "FINISHED", *, id: str = "run-1", report: Report | None = None, **fields: Any) -> RunFacts:
    """A run as last observed; one that finished carries a good report unless told otherwise."""
    if status == "FINISHED" and report is None and "result" not in fields:
        report = a_report()
    return RunFacts(id=id, status=status, report=report, **{"started_at": NOW, **fields})


def a_finished_run_without_report(id: str = "run-1") -> RunFacts:
    """A finished run whose last message held no report."""
    return RunFacts(id=id, status="FINISHED", started_at=NOW, result="Done.")


def a_followup(asks: str = "work", *, number: int = 1, run_id: str | None = None, **fields: Any) -> Followup:
    """A follow-up; with `run_id`, one that Cursor took."""
    return Followup(id=f"followup-{number}", asks=asks, run_id=run_id, **{"requested_at": NOW, **fields})


def an_attempt(
    status: AttemptStatus = AttemptStatus.RUNNING, *, number: int = 1, task_key: str = "a", **fields: Any
) -> Attempt:
    """An attempt under the id that the engine would give it; running, unless told otherwise."""
    if status is AttemptStatus.RUNNING:
        fields.setdefault("run", a_run("RUNNING"))
    values = {"agent_id": attempt_agent_id(ORCHESTRATION_ID, task_key, number), "requested_at": NOW, **fields}
    return Attempt(number=number, status=status, **values)


def a_task(key: str = "a", *attempts: Attempt, depends_on: tuple[str, ...] = (), **fields: Any) -> Task:
    """A task; pending, or running once it has attempts."""
    status = TaskStatus.RUNNING if attempts else TaskStatus.PENDING
    values = {"title": f"Task {key}", "prompt": f"Do {key}.", "status": status, **fields}
    return Task(key=key, depends_on=depends_on, attempts=attempts, **values)


def a_running_task(key: str = "a", *, depends_on: tuple[str, ...] = (), **attempt_fields: Any) -> Task:
    """A task whose first agent is at work."""
    return a_task(key, an_attempt(task_key=key, **attempt_fields), depends_on=depends_on)


def a_completed_task(key: str = "a", *, branch: str | None = None, **fields: Any) -> Task:
    """A task whose first agent succeeded."""
    attempt = an_attempt(AttemptStatus.SUCCEEDED, task_key=key, run=a_run())
    return a_task(key, attempt, status=TaskStatus.COMPLETED, branch=branch, **fields)


def a_planned_task(key: str = "a", depends_on: tuple[str, ...] = (), **fields: Any) -> PlanTask:
    """A task as planned."""
    return PlanTask(key=key, depends_on=depends_on, **{"title": f"Task {key}", "prompt": f"Do {key}.", **fields})


def some_options(**fields: Any) -> Options:
    """The defaults, but for what is named."""
    return Options(**fields)


def a_snapshot(*tasks: Task, options: Options | None = None, **fields: Any) -> Snapshot:
    """A running orchestration over these tasks; without tasks, one that was only asked for."""
    values: dict[str, Any] = {
        "id": ORCHESTRATION_ID,
        "name": "Build it",
        "status": OrchestrationStatus.RUNNING if tasks else OrchestrationStatus.QUEUED,
        "mode": Mode.AUTO if tasks else Mode.SINGLE_AGENT,
        "repository": "https://github.com/acme/app",
        "ref": "main",
        "prompt": "Build the whole thing.",
        "model": None,
        "created_at": NOW,
        "started_at": NOW if tasks else None,
        "is_planned": bool(tasks),
        "seq": 1,
    }
    return Snapshot(tasks=tasks, options=options or Options(), **{**values, **fields})


def request_fields(**fields: Any) -> dict[str, Any]:
    """What a form sends at the least; a field of None is left out."""
    values = {"prompt": "Add a health check.", "repository": "acme/app", **fields}
    return {name: value for name, value in values.items() if value is not None}
