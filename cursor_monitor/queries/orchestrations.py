"""Reading orchestrations, their tasks and their events; the same rows for pages and API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cursor_monitor.domain.budgets import CHOICE
from cursor_monitor.domain.controls import possible_controls
from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.events import EVENT_TYPES
from cursor_monitor.domain.status import Level, Mode, OrchestrationStatus, TaskStatus
from cursor_monitor.engine.budgets import Use, uses
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.store import code_hosts, slots, tables
from cursor_monitor.store import events as event_store
from cursor_monitor.store import orchestrations as store
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class OrchestrationRow:
    """One line of a list."""

    id: str
    name: str
    status: str
    mode: str
    account_id: str
    repository: str
    ref: str | None
    model: str | None
    tasks_total: int
    tasks_completed: int
    active_agents: int
    quality_score: int | None
    quality_coverage: int | None
    error_code: str | None
    error_summary: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget: what is used in all, what is allowed (None: no limit), and how many agents' costs are not known."""

    name: str
    used: float
    allowed: float | None
    unknown: int
    is_near: bool


@dataclass(frozen=True, slots=True)
class OrchestrationDetail:
    """One orchestration, whole, and which controls make sense now."""

    id: str
    name: str
    status: str
    mode: str
    account_id: str
    repository: str
    ref: str | None
    prompt: str
    model: str | None
    options: dict[str, Any]
    tasks_total: int
    tasks_completed: int
    active_agents: int
    quality_score: int | None
    quality_coverage: int | None
    error_code: str | None
    error_summary: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime
    controls: tuple[str, ...]
    last_seq: int
    budgets: tuple[BudgetRow, ...]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of a plan; `waits_for` says why it has not started."""

    key: str
    title: str
    prompt: str
    status: str
    depends_on: tuple[str, ...]
    model: str | None
    ref: str | None
    is_merge: bool
    candidate_of: str | None
    kept: str | None
    kept_reason: str | None
    is_waived: bool
    agent_id: str | None
    latest_run_id: str | None
    attempts: int
    iterations: int
    branch: str | None
    pr_url: str | None
    checks: str | None  # of its newest agent, by the code host; None where it was not asked
    quality_score: int | None
    quality_coverage: int | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the timeline."""

    seq: int
    type: str
    level: str
    task_key: str | None
    message: str
    payload: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One event of the live feed over all orchestrations."""

    orchestration_id: str
    orchestration_name: str
    seq: int
    type: str
    level: str
    task_key: str | None
    message: str
    created_at: datetime


STATUS_GROUPS: dict[str, tuple[OrchestrationStatus, ...]] = {
    "attention": (OrchestrationStatus.WAITING, OrchestrationStatus.BLOCKED),
    "active": (OrchestrationStatus.QUEUED, OrchestrationStatus.RUNNING, OrchestrationStatus.PAUSED),
    "failures": (OrchestrationStatus.PARTIAL, OrchestrationStatus.ERROR),
}
"""Statuses that a person asks for together; each word serves wherever a status filters."""

ENDED_HOURS = {"day": 24, "week": 168}
"""The words for how long ago something may have ended."""


def list_orchestrations(
    *,
    status: str | None = None,
    mode: str | None = None,
    repository: str | None = None,
    q: str | None = None,
    account: str | None = None,
    ended: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[OrchestrationRow]:
    """The newest first; raises Invalid for a filter that names nothing there is."""
    _check_choice("status", status, (*OrchestrationStatus, *STATUS_GROUPS))
    _check_choice("mode", mode, tuple(Mode))
    _check_choice("ended", ended, tuple(ENDED_HOURS))
    check_limit(limit)
    position = decode_cursor(cursor, 1)
    with reading() as session:
        rows = store.select_newest(
            session,
            statuses=STATUS_GROUPS.get(status, (status,)) if status else (),
            mode=mode or None,
            repository=(repository or "").strip() or None,
            q=(q or "").strip()[:200] or None,
            account=(account or "").strip() or None,
            before=_uuid("cursor", position[0]) if position else None,
            limit=limit + 1,
            ended_hours=ENDED_HOURS.get(ended or ""),
        )
    more = len(rows) > limit
    shown = rows[:limit]
    return Page(tuple(_row(r) for r in shown), encode_cursor(str(shown[-1].id)) if more else None)


def get_orchestration(orchestration_id: str) -> OrchestrationDetail:
    """One orchestration; raises NotFound."""
    key = known_uuid(orchestration_id)
    with reading() as session:
        found = store.find(session, key)
        snapshot = store.load_snapshot(session, key)
        now = event_store.database_now(session)
    if found is None or snapshot is None:
        raise NotFound(f"No orchestration has the id {orchestration_id}.")
    return detail_of(found, uses(snapshot, now))


def list_tasks(orchestration_id: str) -> tuple[TaskRow, ...]:
    """The tasks in the order of the plan; raises NotFound."""
    key = known_uuid(orchestration_id)
    with reading() as session:
        found = store.find(session, key)
        if found is None:
            raise NotFound(f"No orchestration has the id {orchestration_id}.")
        tasks = store.select_tasks(session, key)
        checks = code_hosts.select_checks(session, [t.agent_id for t in tasks if t.agent_id])
        no_slot = slots.reason(session, key)
    statuses = {t.key: t.status for t in tasks}
    return tuple(task_of(task, found, statuses, checks, no_slot) for task in tasks)


def list_events(
    orchestration_id: str,
    *,
    after: int = 0,
    limit: int = 100,
    newest_first: bool = False,
    before: int | None = None,
    kind: str | None = None,
    level: str | None = None,
    task: str | None = None,
) -> Page[EventRow]:
    """Events with a seq above `after` in order, or those below `before` newest first; raises NotFound."""
    check_limit(limit)
    _check_choice("type", kind, tuple(EVENT_TYPES))
    _check_choice("level", level, tuple(Level))
    wanted = {name: value for name, value in (("type", kind), ("level", level), ("task_key", task)) if value}
    if after < 0:
        raise Invalid("after", "must be 0 or the seq of an event")
    key = known_uuid(orchestration_id)
    with reading() as session:
        if store.find(session, key) is None:
            raise NotFound(f"No orchestration has the id {orchestration_id}.")
        rows = event_store.select_events(
            session, key, after=after, before=before, newest_first=newest_first, limit=limit + 1, wanted=wanted
        )
    more = len(rows) > limit
    return Page(tuple(_event(r) for r in rows[:limit]), str(rows[limit - 1].seq) if more else None)


def list_feed(limit: int = 50) -> tuple[FeedRow, ...]:
    """The newest events over all orchestrations."""
    with reading() as session:
        rows = event_store.select_feed(session, check_limit(limit))
    return tuple(
        FeedRow(str(e.orchestration_id), name, e.seq, e.type, e.level, e.task_key, e.message, e.created_at)
        for e, name in rows
    )


def _row(o: tables.Orchestration) -> OrchestrationRow:
    return OrchestrationRow(
        id=str(o.id),
        name=o.name,
        status=o.status,
        mode=o.mode,
        account_id=o.account_id,
        repository=o.repository,
        ref=o.ref,
        model=o.model,
        tasks_total=o.tasks_total,
        tasks_completed=o.tasks_completed,
        active_agents=o.active_agents,
        quality_score=o.quality_score,
        quality_coverage=o.quality_coverage,
        error_code=o.error_code,
        error_summary=o.error_summary,
        created_at=o.created_at,
        started_at=o.started_at,
        completed_at=o.completed_at,
        updated_at=o.updated_at,
    )


def detail_of(o: tables.Orchestration, budgets: tuple[Use, ...]) -> OrchestrationDetail:
    """The row as pages and API show it."""
    row = _row(o)
    shared = {name: getattr(row, name) for name in OrchestrationRow.__slots__}
    return OrchestrationDetail(
        **shared,
        prompt=o.prompt,
        options=o.options,
        created_by=o.created_by,
        controls=possible_controls(OrchestrationStatus(o.status), is_cancelling=o.is_cancelling, code=o.error_code),
        last_seq=o.last_seq,
        budgets=budget_rows(budgets),
    )


def budget_rows(budgets: Sequence[Use]) -> tuple[BudgetRow, ...]:
    """The budgets as pages and API show them."""
    return tuple(BudgetRow(use.budget, use.used, use.allowed, use.unknown, use.is_near) for use in budgets)


def task_of(
    t: tables.Task,
    o: tables.Orchestration,
    statuses: dict[str, str],
    checks: dict[str, str],
    no_slot: str | None,
) -> TaskRow:
    """The row as pages and API show it; `statuses` are those of all tasks, by key."""
    return TaskRow(
        key=t.key,
        title=t.title,
        prompt=t.prompt,
        status=t.status,
        depends_on=tuple(t.depends_on),
        model=t.model,
        ref=t.ref,
        is_merge=t.is_merge,
        candidate_of=t.candidate_of,
        kept=t.kept,
        kept_reason=t.kept_reason,
        is_waived=t.is_waived,
        agent_id=t.agent_id,
        latest_run_id=t.latest_run_id,
        attempts=t.attempts,
        iterations=t.iterations,
        branch=t.branch,
        pr_url=t.pr_url,
        checks=checks.get(t.agent_id or ""),
        quality_score=t.quality_score,
        quality_coverage=t.quality_coverage,
        error_message=t.error_message,
        started_at=t.started_at,
        completed_at=t.completed_at,
        waits_for=_waits_for(t, o, statuses, no_slot),
    )


def _waits_for(t: tables.Task, o: tables.Orchestration, statuses: dict[str, str], no_slot: str | None) -> str | None:
    if t.status != TaskStatus.PENDING:
        return None
    if o.error_code == CHOICE:
        return "a person's choice"
    waiting = [key for key in t.depends_on if statuses.get(key) != TaskStatus.COMPLETED]
    if waiting:
        return f"dependency {', '.join(waiting)}"
    match o.status:
        case OrchestrationStatus.QUEUED:
            return "a worker"
        case OrchestrationStatus.PAUSED:
            return "resume"
        case OrchestrationStatus.WAITING:
            return "approval"
        case OrchestrationStatus.BLOCKED:
            return o.error_summary or "a person"
        case _:
            if no_slot is not None:
                return no_slot
            limit = o.options.get("max_parallel_agents")
            return f"a free slot ({o.active_agents} of {limit} agents busy)" if o.active_agents else "a worker"


def _event(e: tables.Event) -> EventRow:
    return EventRow(e.seq, e.type, e.level, e.task_key, e.message, e.payload, e.created_at)


def known_uuid(value: str) -> UUID:
    """The id as the database knows it; raises NotFound for what can be none."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound(f"No orchestration has the id {value[:60]}.") from None


def _uuid(field: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid(field, "is not one that this server gave out; start again without it") from None


def _check_choice(field: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value and value not in choices:
        raise Invalid(field, f"must be one of {', '.join(choices)}")
