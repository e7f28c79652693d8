"""An orchestration as it was just after any of its events: folded anew, from a state near it that was folded before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.orchestration import Snapshot
from cursor_monitor.engine import fold
from cursor_monitor.engine.budgets import uses
from cursor_monitor.queries.orchestrations import OrchestrationDetail, TaskRow, detail_of, known_uuid, task_of
from cursor_monitor.store import events as event_store
from cursor_monitor.store import orchestrations as store
from cursor_monitor.store.database import reading

STRIDE = 500
"""A state is kept after so many events: no look folds more than these once its neighbourhood was looked at."""

_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class AsOf:
    """An orchestration and its tasks as they were, the time of that event, and the seq of the newest event now."""

    detail: OrchestrationDetail
    tasks: tuple[TaskRow, ...]
    at: datetime
    newest_seq: int


class _Kept:
    """States that were folded, the least used dropped first; events never change, so none is ever out of date."""

    def __init__(self, most: int) -> None:
        self._states: OrderedDict[tuple[UUID, int], tuple[Snapshot, datetime]] = OrderedDict()
        self._most = most
        self._lock = Lock()

    def nearest(self, key: UUID, seq: int) -> tuple[Snapshot, datetime] | None:
        """The latest state that was kept at or before that event."""
        with self._lock:
            known = [found for found in self._states if found[0] == key and found[1] <= seq]
            best = max(known, key=lambda found: found[1], default=None)
            if best is None:
                return None
            self._states.move_to_end(best)
            return self._states[best]

    def keep(self, key: UUID, state: Snapshot, at: datetime) -> None:
        """Keep one state."""
        with self._lock:
            self._states[(key, state.seq)] = (state, at)
            while len(self._states) > self._most:
                self._states.popitem(last=False)


_kept = _Kept(_MOST_KEPT)


def get_as_of(orchestration_id: str, seq: int) -> AsOf:
    """What was stored just after that event; raises NotFound, or Invalid where there is no such event yet."""
    key = known_uuid(orchestration_id)
    with reading() as session:
        row = store.find(session, key)
        if row is None:
            raise NotFound(f"No orchestration has the id {orchestration_id}.")
        if not 1 <= seq <= row.last_seq:
            raise Invalid("at_seq", f"must be from 1 to {row.last_seq}, the newest event")
        state, at = _fold(session, key, seq)
        newest = row.last_seq
    detail, tasks = _shown(state, at)
    return AsOf(detail, tasks, at, newest)


def _fold(session: Session, key: UUID, seq: int) -> tuple[Snapshot, datetime]:
    found = _kept.nearest(key, seq)
    done = found[0].seq if found else 0
    while done < seq:
        until = min(seq, (done // STRIDE + 1) * STRIDE)
        for event in event_store.select_stretch(session, key, after=done, until=until):
            state = fold.evolve(found[0], event) if found else fold.rebuild(str(key), [event])
            found = state, event.at
        if found is None or found[0].seq != until:
            raise NotFound("Its events are not kept any more.")
        done = until
        if done % STRIDE == 0:
            _kept.keep(key, *found)
    assert found is not None  # noqa: S101 - seq is at least 1
    return found


def _shown(state: Snapshot, at: datetime) -> tuple[OrchestrationDetail, tuple[TaskRow, ...]]:
    row, tasks = store.project(state, at)
    statuses = {task.key: task.status for task in tasks}
    checks = {a.agent_id: a.code_host.checks for task in state.tasks for a in task.attempts if a.code_host}
    detail = replace(detail_of(row, uses(state, at)), controls=())
    return detail, tuple(task_of(task, row, statuses, checks, None) for task in tasks)
