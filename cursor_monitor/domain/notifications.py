"""What people outside are told of, and in which words; text from agents is made harmless here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from cursor_monitor.domain import budgets
from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.domain.profiles import name_of
from cursor_monitor.domain.status import OrchestrationStatus, TaskStatus

TITLE_LIMIT, TEXT_LIMIT = 200, 600


class ChannelKind(StrEnum):
    """The ways out."""

    SLACK = "slack"  # a Slack webhook, or any that takes the same
    WEBHOOK = "webhook"  # signed JSON
    EMAIL = "email"


class NoticeKind(StrEnum):
    """What can be told."""

    COMPLETED = "orchestration.completed"
    PARTIAL = "orchestration.partial"
    FAILED = "orchestration.error"
    STOPPED = "orchestration.stopped"
    BLOCKED = "orchestration.blocked"
    WAITING = "orchestration.waiting"
    BUDGET_NEAR = "budget.near"
    WORKER_LOST = "worker.lost"
    ACCOUNT_REFUSED = "account.refused"
    JOB_GIVEN_UP = "job.given_up"
    SCHEDULE_FAILED = "schedule.failed"
    TEST = "test"  # to the channel that is tried, whatever it wants to hear of


CHOICES: tuple[NoticeKind, ...] = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)
"""What a channel can be asked to tell."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell, once: `key` is the same whenever it is about the same occurrence."""

    kind: NoticeKind
    key: str
    title: str
    text: str
    at: datetime
    path: str = "/"  # the page about it
    facts: dict[str, str] = field(default_factory=dict)  # for programs
    repository: str | None = None


def one_line(text: str, most: int) -> str:
    """A single line that can be shown anywhere: no control characters, none that reorder or hide others."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def fits(pattern: str | None, repository: str | None) -> bool:
    """True where a channel that hears of these repositories alone is to be told; None is of all."""
    return pattern is None or (repository is not None and fnmatchcase(name_of(repository), pattern))


def notice_of(s: Snapshot, event: e.Event, seq: int) -> Notice | None:
    """What an event of an orchestration is worth telling; None for most."""
    match event:
        case e.OrchestrationEnded():
            kind = _ENDS[event.status]
            done = sum(task.status is TaskStatus.COMPLETED for task in s.tasks)
            summary = event.error_summary or f"{done} of {len(s.tasks)} tasks are completed."
            return _about(s, event, seq, kind, str(event.status), summary)
        case e.OrchestrationBlocked():
            return _about(s, event, seq, NoticeKind.BLOCKED, "blocked, a person is needed", event.summary)
        case e.ApprovalRequested():
            return _about(s, event, seq, NoticeKind.WAITING, "waits for approval", event.message())
        case e.BudgetNear():
            word = budgets.WORDS.get(event.budget, event.budget)
            return _about(s, event, seq, NoticeKind.BUDGET_NEAR, f"most of its {word} are used", event.message())
        case _:
            return None


_ENDS = {
    OrchestrationStatus.COMPLETED: NoticeKind.COMPLETED,
    OrchestrationStatus.PARTIAL: NoticeKind.PARTIAL,
    OrchestrationStatus.ERROR: NoticeKind.FAILED,
    OrchestrationStatus.STOPPED: NoticeKind.STOPPED,
}


def _about(s: Snapshot, event: e.Event, seq: int, kind: NoticeKind, what: str, text: str) -> Notice:
    return Notice(
        kind=kind,
        key=f"{s.id}:{seq}",
        title=f"{one_line(s.name, 100)}: {what}"[:TITLE_LIMIT],
        text=one_line(text, TEXT_LIMIT),
        at=event.at,
        path=f"/orchestrations/{s.id}",
        facts={"orchestration_id": s.id, "status": str(s.status), "repository": s.repository},
        repository=s.repository,
    )
