"""Replaying: the events of an orchestration rebuild what its rows say."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import select

from cursor_monitor.domain.orchestration import Task
from cursor_monitor.domain.status import TaskStatus
from cursor_monitor.engine import fold
from cursor_monitor.store import orchestrations, tables
from cursor_monitor.store.database import reading
from cursor_monitor.store.events import load_history


def assert_replay(orchestration_id: str) -> None:
    """Hold the events of one orchestration against its snapshot, and the snapshot against the row's counters."""
    key = UUID(orchestration_id)
    with reading() as session:
        snapshot = orchestrations.load_snapshot(session, key)
        history = load_history(session, key)
        row = orchestrations.find(session, key)
        tasks = orchestrations.select_tasks(session, key)
    assert row is not None
    assert snapshot is not None
    assert fold.rebuild(orchestration_id, history) == snapshot
    assert (row.last_seq, row.active_agents) == (len(history), len(snapshot.live_attempts))
    results = [task for task in tasks if task.candidate_of is None]
    assert row.tasks_total == (len(results) or len(snapshot.requested_tasks))
    assert row.tasks_completed == sum(task.status == TaskStatus.COMPLETED for task in results)
    for task in tasks:
        _assert_counters(task, snapshot.task(task.key))


def assert_all_replayed() -> None:
    """Do so with every orchestration there is."""
    with reading() as session:
        ids = session.exec(select(tables.Orchestration.id)).all()
    for key in ids:
        assert_replay(str(key))


def _assert_counters(row: tables.Task, task: Task) -> None:
    newest = task.attempt
    assert (row.attempts, row.iterations) == (task.tries, newest.iterations if newest else 0)
    assert row.agent_id == (newest.agent_id if newest else None)
    assert row.latest_run_id == (newest.run.id if newest and newest.run else None)
