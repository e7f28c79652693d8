"""Orchestrations: the snapshot under its lock, the projection of its events, and plain reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import Session, col, select

from cursor_monitor.domain.orchestration import PLANNER_KEY, Attempt, PlanTask, Snapshot, Task
from cursor_monitor.domain.status import Mode, OrchestrationStatus, TaskStatus
from cursor_monitor.store import accounts, codec, tables

_PLANNER_POSITION = -1
_PROJECTED = (
    "name",
    "mode",
    "repository",
    "ref",
    "prompt",
    "model",
    "is_planned",
    "plan_source",
    "is_approved",
    "is_cancelling",
    "allowance",
    "quality_score",
    "quality_coverage",
    "error_code",
    "error_summary",
    "created_by",
    "account_id",
    "created_at",
    "started_at",
    "completed_at",
)
_TASK_FIELDS = (
    "key",
    "title",
    "prompt",
    "model",
    "ref",
    "is_merge",
    "candidate_of",
    "kept",
    "kept_reason",
    "attempts_allowed",
    "is_waived",
    "branch",
    "pr_url",
    "quality_score",
    "quality_coverage",
    "error_message",
    "started_at",
    "completed_at",
)


def lock_snapshot(session: Session, orchestration_id: UUID) -> Snapshot | None:
    """The orchestration, whole, with its row locked until the transaction ends."""
    # Not against those who only refer to the row: who updates a row of an agent twice is among them, and holds that.
    query = select(tables.Orchestration).where(tables.Orchestration.id == orchestration_id)
    query = query.with_for_update(key_share=True)
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    return None if row is None else _snapshot(session, row)


def load_snapshot(session: Session, orchestration_id: UUID) -> Snapshot | None:
    """The same without a lock, for reading."""
    row = session.get(tables.Orchestration, orchestration_id)
    return None if row is None else _snapshot(session, row)


def save(session: Session, before: Snapshot | None, after: Snapshot) -> None:
    """Write what differs between the two; `before` is None for a new orchestration."""
    values = _orchestration_values(after)
    table = tables.Orchestration.__table__  # pyright: ignore[reportAttributeAccessIssue]
    if before is None:
        session.connection().execute(insert(table).values(**values))
    else:
        session.connection().execute(table.update().where(table.c.id == values["id"]).values(**values))
    known = {task.key: task for task in before.tasks} if before else {}
    places = {key: position for position, key in enumerate(known)}
    gone = known.keys() - {task.key for task in after.tasks}
    if gone:
        row = tables.Task
        mine = delete(row).where(col(row.orchestration_id) == UUID(after.id), col(row.key).in_(gone))
        session.connection().execute(mine)
    changed = [
        (place, task, known.get(task.key))
        for place, task in enumerate(after.tasks)
        if known.get(task.key) != task or places.get(task.key) != place
    ]
    if after.planner is not None and (before is None or before.planner != after.planner):
        changed.append((_PLANNER_POSITION, after.planner, before.planner if before else None))
    _save_tasks(session, after.id, changed)


def find(session: Session, orchestration_id: UUID) -> tables.Orchestration | None:
    """One row."""
    return session.get(tables.Orchestration, orchestration_id)


def select_tasks(session: Session, orchestration_id: UUID) -> Sequence[tables.Task]:
    """The tasks in the order of the plan; the planner's part is none of them."""
    row = tables.Task
    query = select(row).where(row.orchestration_id == orchestration_id, row.position > _PLANNER_POSITION)
    return session.exec(query.order_by(col(row.position)).execution_options(populate_existing=True)).all()


def select_newest(
    session: Session,
    *,
    statuses: Sequence[str],
    mode: str | None,
    repository: str | None,
    q: str | None,
    account: str | None,
    before: UUID | None,
    limit: int,
    ended_hours: int | None = None,
) -> Sequence[tables.Orchestration]:
    """A page, newest first; `q` is looked for in name, prompt and repository."""
    row = tables.Orchestration
    query = select(row)
    if statuses:
        query = query.where(col(row.status).in_(statuses))
    if mode:
        query = query.where(row.mode == mode)
    if repository:
        query = query.where(col(row.repository).icontains(repository, autoescape=True))
    if q:
        looked_in = (col(c).icontains(q, autoescape=True) for c in (row.name, row.prompt, row.repository))
        query = query.where(or_(*looked_in))
    if account:
        query = query.where(col(row.account_id).in_(accounts.ids_named(account)))
    if ended_hours is not None:
        recently = text("orchestrations.completed_at > statement_timestamp() - make_interval(hours => :ended_hours)")
        query = query.where(recently.bindparams(ended_hours=ended_hours))
    if before is not None:
        query = query.where(row.id < before)
    return session.exec(query.order_by(col(row.id).desc()).limit(limit)).all()


def _snapshot(session: Session, row: tables.Orchestration) -> Snapshot:
    attempts: dict[str, list[Attempt]] = {}
    states = select(tables.Attempt).where(tables.Attempt.orchestration_id == row.id)
    fresh = states.order_by(col(tables.Attempt.number)).execution_options(populate_existing=True)
    for state in session.exec(fresh):
        attempts.setdefault(state.task_key, []).append(codec.load_attempt(state.state))
    planner = session.get(tables.Task, (row.id, PLANNER_KEY), populate_existing=True)
    values: dict[str, Any] = {name: getattr(row, name) for name in _PROJECTED}
    values["mode"] = Mode(row.mode)
    values["warned"] = tuple(row.warned)
    return Snapshot(
        id=str(row.id),
        status=OrchestrationStatus(row.status),
        options=codec.load_options(row.options),
        requested_tasks=tuple(codec.load(PlanTask, task) for task in row.requested_tasks),
        tasks=tuple(_task(task, attempts.get(task.key, [])) for task in select_tasks(session, row.id)),
        planner=_task(planner, attempts.get(PLANNER_KEY, [])) if planner else None,
        seq=row.last_seq,
        **values,
    )


def _task(row: tables.Task, attempts: list[Attempt]) -> Task:
    values: dict[str, Any] = {name: getattr(row, name) for name in _TASK_FIELDS}
    return Task(status=TaskStatus(row.status), depends_on=tuple(row.depends_on), attempts=tuple(attempts), **values)


def _orchestration_values(s: Snapshot) -> dict[str, Any]:
    return {
        **{name: getattr(s, name) for name in _PROJECTED},
        "id": UUID(s.id),
        "status": s.status,
        "options": codec.dump(s.options),
        "requested_tasks": [codec.dump(task) for task in s.requested_tasks],
        "warned": list(s.warned),
        "tasks_total": len(s.results) or len(s.requested_tasks),
        "tasks_completed": sum(task.status is TaskStatus.COMPLETED for task in s.results),
        "active_agents": len(s.live_attempts),
        "last_seq": s.seq,
        "updated_at": text("clock_timestamp()"),
    }


def project(s: Snapshot, at: datetime) -> tuple[tables.Orchestration, tuple[tables.Task, ...]]:
    """The rows that this state would be stored as, in no database; the planner's part is none of the tasks."""
    row = tables.Orchestration(**{**_orchestration_values(s), "updated_at": at})
    return row, tuple(tables.Task(**_task_values(s.id, place, task)) for place, task in enumerate(s.tasks))


def _task_values(orchestration_id: str, position: int, task: Task) -> dict[str, Any]:
    newest = task.attempt
    return {
        **{name: getattr(task, name) for name in _TASK_FIELDS},
        "orchestration_id": UUID(orchestration_id),
        "position": position,
        "depends_on": list(task.depends_on),
        "status": task.status,
        "agent_id": newest.agent_id if newest else None,
        "latest_run_id": newest.run.id if newest and newest.run else None,
        "attempts": task.tries,
        "iterations": newest.iterations if newest else 0,
    }


def _save_tasks(session: Session, orchestration_id: str, changed: Sequence[tuple[int, Task, Task | None]]) -> None:
    """Write tasks at their places, and what is new of their attempts beside what was known before."""
    rows = [_task_values(orchestration_id, place, task) for place, task, _ in changed]
    _upsert(session, tables.Task, rows, ("orchestration_id", "key"))
    attempts = [
        _attempt_values(orchestration_id, task.key, attempt)
        for _, task, before in changed
        for attempt in task.attempts
        if before is None or attempt not in before.attempts
    ]
    _upsert(session, tables.Attempt, attempts, ("agent_id",))


def _attempt_values(orchestration_id: str, task_key: str, attempt: Attempt) -> dict[str, Any]:
    return {
        "agent_id": attempt.agent_id,
        "orchestration_id": UUID(orchestration_id),
        "task_key": task_key,
        "number": attempt.number,
        "status": attempt.status,
        "state": codec.dump(attempt),
    }


def _upsert(session: Session, model: Any, rows: Sequence[dict[str, Any]], key: tuple[str, ...]) -> None:
    if rows:
        session.connection().execute(_upsert_into(model, tuple(rows[0]), key), rows)


@cache
def _upsert_into(model: Any, names: tuple[str, ...], key: tuple[str, ...]) -> Insert:
    statement = insert(model.__table__)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)
