"""The steps that merge branches: left out where there is nothing to merge, failed where branches conflict."""

from __future__ import annotations

from datetime import datetime

from cursor_monitor.domain import events as e
from cursor_monitor.domain.orchestration import Snapshot, Task
from cursor_monitor.domain.status import AttemptStatus, TaskStatus, Verdict
from cursor_monitor.engine import prompts
from cursor_monitor.engine.plan_merge import CONFLICT
from cursor_monitor.engine.rules.common import Events, attempt_ended, live

_SHOWN = 5  # conflicts in a task's error
_LENGTH = 400  # characters of each


def fail_on_conflicts(s: Snapshot, now: datetime) -> Events:
    """End a merge step that reports conflicts as failed, with the conflicts as its error, instead of asking on."""
    events: list[e.Event] = []
    for task, attempt in live(s):
        run = attempt.run
        if not task.is_merge or run is None or run.status != "FINISHED" or attempt.unsent_followup is not None:
            continue
        named = [line for line in (run.report.remaining if run.report else ()) if line.lstrip().startswith(CONFLICT)]
        if not named or attempt.assessed_run_id == run.id:
            continue
        reason = " ".join(line.strip()[:_LENGTH] for line in named[:_SHOWN])
        reason += f" And {len(named) - _SHOWN} more." if len(named) > _SHOWN else ""
        place = {"at": now, "task_key": task.key, "agent_id": attempt.agent_id}
        verdict = Verdict.GIVE_UP
        events += [
            e.RunAssessed(
                **place, run_id=run.id, verdict=verdict, reason=reason, quality_score=None, quality_coverage=0
            ),
            attempt_ended(task, attempt, AttemptStatus.FAILED, now, "merge_conflict", reason),
        ]
    return events


def skip_needless_merges(s: Snapshot, now: datetime) -> Events:
    """Leave out a merge step whose dependencies made no two branches: what follows starts from the one there is."""
    tasks = {task.key: task for task in s.tasks}
    skipped: dict[str, e.Event] = {}
    changed = True
    while changed:
        changed = False
        for task in s.tasks:
            if _is_due(task, tasks, skipped) and len(prompts.dependency_branches(s, task)) < 2:
                reason = "nothing to merge: what it waits for made no two branches"
                skipped[task.key] = e.TaskSkipped(at=now, task_key=task.key, reason=reason, by="engine")
                changed = True
    return list(skipped.values())


def _is_due(task: Task, tasks: dict[str, Task], skipped: dict[str, e.Event]) -> bool:
    if not task.is_merge or task.status is not TaskStatus.PENDING or task.key in skipped:
        return False
    return all(key in skipped or _is_satisfied(tasks[key]) for key in task.depends_on)


def _is_satisfied(task: Task) -> bool:
    return task.status is TaskStatus.COMPLETED or (task.status is TaskStatus.SKIPPED and task.is_waived)
