"""Tasks, budgets and options of an orchestration as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cursor_monitor.domain.controls import family_of, possible_task_controls
from cursor_monitor.domain.status import ORCHESTRATION_TERMINAL, OrchestrationStatus, TaskStatus
from cursor_monitor.queries.orchestrations import BudgetRow, OrchestrationDetail, TaskRow

BUDGETS = {
    "max_agents": "Agents",
    "max_followups": "Follow-ups",
    "budget_cents": "Cost",
    "wall_hours": "Time",
}
_COLUMNS: tuple[tuple[str, tuple[TaskStatus, ...]], ...] = (
    ("Waiting", (TaskStatus.PENDING,)),
    ("Running", (TaskStatus.RUNNING,)),
    ("Completed", (TaskStatus.COMPLETED,)),
    ("Failed", (TaskStatus.FAILED,)),
    ("Left out", (TaskStatus.SKIPPED, TaskStatus.CANCELLED)),
)


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as the page shows it."""

    key: str
    title: str
    prompt: str
    status: str
    depends_on: str
    candidate_of: str
    is_kept: bool
    kept: str
    kept_reason: str
    agent_id: str | None
    branch: str | None
    pr_url: str | None
    checks: str
    attempts: int
    iterations: int
    quality_score: int | None
    quality_coverage: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    waits_for: str | None
    can_retry: bool
    can_skip: bool
    can_keep: bool
    can_follow: bool


@dataclass(frozen=True, slots=True)
class ColumnView:
    """The tasks of one state, on the board."""

    title: str
    count: int
    tasks: list[TaskView]


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One budget as the page shows it; `share` in percent, below zero where there is no limit."""

    name: str
    label: str
    words: str
    share: float
    warning: str


@dataclass(frozen=True, slots=True)
class OptionView:
    """One option and its value."""

    name: str
    value: str


def task_view(task: TaskRow, tasks: Sequence[TaskRow], detail: OrchestrationDetail, *, is_past: bool) -> TaskView:
    """A task among all tasks, with what can be done to it now."""
    status = OrchestrationStatus(detail.status)
    family = family_of(task, tasks)
    controls = () if is_past else possible_task_controls(TaskStatus(task.status), status, family)
    is_kept = any(other.kept == task.key for other in tasks)
    is_past = is_past or (family.is_decided and not is_kept)
    follows = not is_past and task.agent_id is not None and task.status in (TaskStatus.RUNNING, TaskStatus.COMPLETED)
    return TaskView(
        key=task.key,
        title=task.title,
        prompt=task.prompt,
        status=task.status,
        depends_on=", ".join(task.depends_on),
        candidate_of=task.candidate_of or "",
        is_kept=is_kept,
        kept=task.kept or "",
        kept_reason=task.kept_reason or "",
        agent_id=task.agent_id,
        branch=task.branch,
        pr_url=task.pr_url,
        checks=task.checks or "",
        attempts=task.attempts,
        iterations=task.iterations,
        quality_score=task.quality_score,
        quality_coverage=task.quality_coverage,
        error_message=task.error_message,
        started_at=task.started_at,
        completed_at=task.completed_at,
        waits_for=task.waits_for,
        can_retry="retry" in controls,
        can_skip="skip" in controls,
        can_keep="keep" in controls,
        can_follow=follows and status not in ORCHESTRATION_TERMINAL,
    )


def board_of(tasks: Sequence[TaskView]) -> list[ColumnView]:
    """The tasks in columns by their state; failures and what was left out have one only where there are any."""
    columns = [(title, [task for task in tasks if task.status in wanted]) for title, wanted in _COLUMNS]
    return [ColumnView(title, len(mine), mine) for number, (title, mine) in enumerate(columns) if mine or number < 3]


def budget_view(budget: BudgetRow) -> BudgetView:
    """What is used of what is allowed, in words."""
    of = "" if budget.allowed is None else f" of {budget.allowed:g}"
    word = {"budget_cents": " cents", "wall_hours": " h"}.get(budget.name, "")
    share = -1.0 if budget.allowed is None else min(100.0, 100 * budget.used / budget.allowed)
    warning = "nearly used" if budget.is_near else ""
    if budget.name == "budget_cents" and budget.unknown:
        warning = f"at least: the cost of {budget.unknown} agents is not known" + (f"; {warning}" if warning else "")
    used = f"{budget.used:.2f}".rstrip("0").rstrip(".")
    return BudgetView(budget.name, BUDGETS[budget.name], f"{used}{of}{word}", share, warning)


def options_of(options: Mapping[str, Any]) -> list[OptionView]:
    """The options by name."""
    return [OptionView(name.replace("_", " "), _value(value)) for name, value in options.items()]


def _value(value: object) -> str:
    match value:
        case None:
            return "no limit"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
