"""Which control makes sense in which state, for the pages' buttons and the services' refusals alike."""

from __future__ import annotations

from cursor_monitor.domain.budgets import CODES
from cursor_monitor.domain.status import ORCHESTRATION_TERMINAL, OrchestrationStatus, TaskStatus

_PAUSABLE = frozenset({OrchestrationStatus.QUEUED, OrchestrationStatus.RUNNING})
_RESUMABLE = frozenset({OrchestrationStatus.PAUSED, OrchestrationStatus.BLOCKED})
_RETRYABLE = ORCHESTRATION_TERMINAL - {OrchestrationStatus.COMPLETED}


def possible_controls(status: OrchestrationStatus, *, is_cancelling: bool, code: str | None = None) -> tuple[str, ...]:
    """The controls an orchestration takes now, in the order they are shown; what a budget blocks needs a larger one."""
    if is_cancelling and status not in ORCHESTRATION_TERMINAL:
        return ()
    controls: list[str] = []
    if status is OrchestrationStatus.WAITING:
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


def possible_task_controls(status: TaskStatus, orchestration: OrchestrationStatus) -> tuple[str, ...]:
    """The controls one task takes now."""
    if status in (TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.SKIPPED):
        return ("retry",)
    if status is TaskStatus.PENDING and orchestration not in ORCHESTRATION_TERMINAL:
        return ("skip",)
    return ()
