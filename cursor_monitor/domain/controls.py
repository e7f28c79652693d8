"""Which control makes sense in which state, for the pages' buttons and the services' refusals alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cursor_monitor.domain.budgets import CHOICE, CODES
from cursor_monitor.domain.status import (
    OPEN_AGAIN,
    ORCHESTRATION_TERMINAL,
    TASK_TERMINAL,
    OrchestrationStatus,
    TaskStatus,
)

_PAUSABLE = frozenset({OrchestrationStatus.QUEUED, OrchestrationStatus.RUNNING})
_RESUMABLE = frozenset({OrchestrationStatus.PAUSED, OrchestrationStatus.BLOCKED})
_RETRYABLE = ORCHESTRATION_TERMINAL - {OrchestrationStatus.COMPLETED}


def possible_controls(status: OrchestrationStatus, *, is_cancelling: bool, code: str | None = None) -> tuple[str, ...]:
    """The controls an orchestration takes now, in the order they are shown; what a budget blocks needs a larger one."""
    if is_cancelling and status not in ORCHESTRATION_TERMINAL:
        return ()
    controls: list[str] = []
    if status is OrchestrationStatus.WAITING and code != CHOICE:
        controls.append("approve")
    if status in _PAUSABLE:
        controls.append("pause")
    if status is OrchestrationStatus.BLOCKED and code in CODES.values():
        controls.append("budget")
    elif status in _RESUMABLE:
        controls.append("resume")
    if status in _RETRYABLE:
        controls.append("retry")
    if status not in ORCHESTRATION_TERMINAL:
        controls.append("cancel")
    return tuple(controls)


class TaskLike(Protocol):
    """What of a task its controls depend on."""

    @property
    def key(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def candidate_of(self) -> str | None: ...
    @property
    def is_waived(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Family:
    """Where a task stands among candidates."""

    is_decided: bool = False  # a candidate of a task that is done, or done without
    is_begun: bool = False  # some of its candidates are no longer pending
    may_be_kept: bool = False  # a candidate that a person may choose now


def family_of(task: TaskLike, tasks: Sequence[TaskLike]) -> Family:
    """Where it stands among these, all tasks of its orchestration."""
    of = next((t for t in tasks if t.key == task.candidate_of), None)
    if of is None:
        return Family(is_begun=any(t.candidate_of == task.key and t.status != TaskStatus.PENDING for t in tasks))
    is_open = of.status == TaskStatus.PENDING
    all_ended = all(t.status in TASK_TERMINAL for t in tasks if t.candidate_of == of.key)
    return Family(
        is_decided=of.is_waived or of.status == TaskStatus.COMPLETED,
        may_be_kept=is_open and all_ended and task.status == TaskStatus.COMPLETED,
    )


def possible_task_controls(
    status: TaskStatus, orchestration: OrchestrationStatus, family: Family = Family()
) -> tuple[str, ...]:
    """The controls one task takes now."""
    if family.is_decided:
        return ()
    if status in OPEN_AGAIN:
        return ("retry",)
    if orchestration in ORCHESTRATION_TERMINAL:
        return ()
    if family.may_be_kept:
        return ("keep",)
    return ("skip",) if status is TaskStatus.PENDING and not family.is_begun else ()
