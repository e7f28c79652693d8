"""What waits for several tasks gets a step before it that merges their branches, and starts from all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from cursor_monitor.domain.orchestration import PlanTask

CONFLICT = "CONFLICT:"
"""How a merge step begins a line of its report's "remaining" that names a conflict."""


def with_merge_steps(tasks: Sequence[PlanTask]) -> tuple[PlanTask, ...]:
    """The plan with a merge step before each task that waits for several; those that have one are left alone.

    A dependency that another one already builds on needs no merging and is left out.
    """
    taken = {task.key for task in tasks}
    above = _ancestors(tasks)
    made: list[PlanTask] = []
    for task in tasks:
        needed = _needed(task, above)
        if task.is_merge or len(needed) < 2:
            made.append(task if task.is_merge else replace(task, depends_on=needed))
            continue
        step = _step(task, needed, taken)
        taken.add(step.key)
        made += [step, replace(task, depends_on=(step.key,))]
    return tuple(made)


def without_merge_steps(tasks: Sequence[PlanTask]) -> tuple[PlanTask, ...]:
    """The plan as a person would write it: what waited for a merge step waits for what that merged."""
    merged = {task.key: task.depends_on for task in tasks if task.is_merge}
    return tuple(
        replace(task, depends_on=tuple(dict.fromkeys(d for key in task.depends_on for d in merged.get(key, (key,)))))
        for task in tasks
        if not task.is_merge
    )


def _needed(task: PlanTask, above: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    if len(task.depends_on) < 2:
        return task.depends_on
    covered = frozenset().union(*(above[key] for key in task.depends_on))
    return tuple(key for key in task.depends_on if key not in covered)


def _ancestors(tasks: Sequence[PlanTask]) -> dict[str, frozenset[str]]:
    graph = {task.key: task.depends_on for task in tasks}
    above: dict[str, frozenset[str]] = {}
    for key in TopologicalSorter(graph).static_order():
        wanted = graph[key]
        above[key] = frozenset(wanted).union(*(above[d] for d in wanted))
    return above


def _step(task: PlanTask, needed: tuple[str, ...], taken: set[str]) -> PlanTask:
    base = f"merge-{task.key}"[:60]
    key, again = base, 2
    while key in taken:
        key, again = f"{base}-{again}", again + 1
    names = ", ".join(needed)
    prompt = (
        f"Merge the work of these earlier tasks into one branch, so that {task.key!r} can build on all of it: {names}. "
        "Change nothing else.\n\n"
        "Merge one branch after the other, then run the tests. Resolve a conflict only where the right resolution is "
        "plain from both sides, and say how you did. Where it is not, do not guess: undo that merge, and name each "
        f'conflict under "remaining" as one line that begins with "{CONFLICT}" and gives the branch, the file, its '
        "lines, and what each side wants."
    )
    title = f"Merge for {task.title}"
    return PlanTask(key, title[:200], prompt, needed, task.model, is_merge=True)
