"""What each task of an orchestration did when, for the drawing of its time."""

from __future__ import annotations

from dataclasses import dataclass

from cursor_monitor.domain import events as e
from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.gantt import Chart, chart, rows
from cursor_monitor.domain.orchestration import PLANNER_KEY
from cursor_monitor.queries.orchestrations import known_uuid
from cursor_monitor.store import events as event_store
from cursor_monitor.store import orchestrations as store
from cursor_monitor.store.database import reading

MOST_EVENTS = 5000
_TYPES = tuple(
    kind.__name__
    for kind in (
        e.PlannerRequested,
        e.PlanMade,
        e.ApprovalRequested,
        e.PlanApproved,
        e.OrchestrationStarted,
        e.OrchestrationPaused,
        e.OrchestrationBlocked,
        e.OrchestrationResumed,
        e.OrchestrationEnded,
        e.AttemptRequested,
        e.AttemptLaunched,
        e.AttemptHeld,
        e.AttemptReleased,
        e.AttemptEnded,
        e.RunObserved,
        e.FollowUpRequested,
        e.FollowUpSent,
        e.TaskCompleted,
        e.TaskFailed,
        e.TaskSkipped,
        e.TaskCancelled,
        e.TaskRetried,
    )
)


@dataclass(frozen=True, slots=True)
class Gantt:
    """The drawing; `is_cut` where there is more than was read."""

    chart: Chart
    titles: dict[str, str]
    is_cut: bool


def get_gantt(orchestration_id: str, until_seq: int | None = None) -> Gantt:
    """The whole time of an orchestration, or up to and with one of its events; raises NotFound."""
    key = known_uuid(orchestration_id)
    with reading() as session:
        found = store.find(session, key)
        if found is None:
            raise NotFound(f"No orchestration has the id {orchestration_id}.")
        tasks = store.select_tasks(session, key)
        happened = event_store.load_of_types(session, key, _TYPES, until=until_seq, limit=MOST_EVENTS + 1)
        now = event_store.database_now(session)
    is_cut = len(happened) > MOST_EVENTS
    happened = happened[:MOST_EVENTS]
    waits: dict[str, tuple[str, ...]] = {task.key: tuple(task.depends_on) for task in tasks}
    titles = {task.key: task.title for task in tasks}
    if any(isinstance(one, e.TaskEvent) and one.task_key == PLANNER_KEY for one in happened):
        waits, titles = {PLANNER_KEY: (), **waits}, {PLANNER_KEY: "The planner", **titles}
    end = happened[-1].at if happened and (found.completed_at or until_seq is not None or is_cut) else now
    return Gantt(chart(rows(happened, waits), end), titles, is_cut)
