"""Whether tasks can follow from one another: every refusal names the place and the mend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import PlanTask

_NAMED = 20  # keys in a message, at most


def check_dependencies(tasks: Sequence[PlanTask]) -> None:
    """Raise Invalid for duplicate keys, unknown or own dependencies and cycles, saying where."""
    places: dict[str, int] = {}
    for index, task in enumerate(tasks):
        if places.setdefault(task.key, index) != index:
            raise Invalid(f"tasks[{index}].key", f"{task.key!r} is used twice; give each task a key of its own")
    for index, task in enumerate(tasks):
        for wanted in task.depends_on:
            if wanted == task.key:
                raise Invalid(f"tasks[{index}].depends_on", f"{wanted!r} is the task itself; remove it")
            if wanted not in places:
                message = f"there is no task {wanted[:64]!r}; use one of {_some(list(places))}"
                raise Invalid(f"tasks[{index}].depends_on", message)
    cycle = find_cycle({task.key: task.depends_on for task in tasks})
    if cycle:
        message = f"these wait for each other: {_path(cycle)}; break the circle"
        raise Invalid(f"tasks[{places[cycle[0]]}].depends_on", message)


def find_cycle(graph: Mapping[str, Sequence[str]]) -> list[str]:
    """Keys that wait for each other, the first again at the end; empty where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _path(cycle: Sequence[str]) -> str:
    shown = cycle if len(cycle) <= _NAMED else [*cycle[: _NAMED - 1], "…", cycle[-1]]
    return " -> ".join(shown)
