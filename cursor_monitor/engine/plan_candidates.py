"""Several tries at one task: candidates side by side in its place, and the task itself to keep the best of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import Options, PlanTask

MOST = 8
_NAME = 100


def with_candidates(tasks: Sequence[PlanTask], options: Options) -> tuple[PlanTask, ...]:
    """The plan with candidates before each task that is tried several times; merge steps are done once."""
    taken = {task.key for task in tasks}
    made: list[PlanTask] = []
    for task in tasks:
        once = replace(task, best_of=None, models=())
        count = 1 if task.is_merge else tries(task, options)
        if count == 1:
            made.append(once)
            continue
        models = task.models or (options.models if task.model is None else ())
        keys = _free_keys(task.key, count, taken)
        made += [_candidate(once, keys, number, models) for number in range(count)]
        made.append(replace(once, depends_on=keys))
    return tuple(made)


def without_candidates(tasks: Sequence[PlanTask]) -> tuple[PlanTask, ...]:
    """The plan as a person would write it: each task once, with how often it is tried."""
    tried: dict[str, list[PlanTask]] = {}
    for task in tasks:
        if task.candidate_of is not None:
            tried.setdefault(task.candidate_of, []).append(task)
    plain = [task for task in tasks if task.candidate_of is None]
    return tuple(_as_written(task, tried.get(task.key, [])) for task in plain)


def tries(task: PlanTask, options: Options) -> int:
    """How many candidates a task has; 1 where its one agent's work is simply its work."""
    return task.best_of or len(task.models) or options.best_of


def agents_in(tasks: Sequence[PlanTask]) -> int:
    """How many agents a plan takes if nothing fails: a task with candidates has none of its own."""
    return len(tasks) - len({task.candidate_of for task in tasks} - {None})


def with_agents(tasks: Sequence[PlanTask]) -> tuple[PlanTask, ...]:
    """The tasks that agents work on, each waiting for what agents do before it."""
    tried = {task.candidate_of for task in tasks}
    chosen = {task.key: task.depends_on for task in tasks if task.key in tried}
    return tuple(
        replace(task, depends_on=tuple(d for key in task.depends_on for d in chosen.get(key, (key,))))
        for task in tasks
        if task.key not in tried
    )


def parse_tries(
    fields: Mapping[Any, Any], prefix: str, models: Sequence[str], default: tuple[int | None, tuple[str, ...]]
) -> tuple[int | None, tuple[str, ...]]:
    """`best_of` and `models` as given; raises Invalid naming the one that cannot be."""
    named = _models(fields.get("models"), f"{prefix}models", models)
    count = fields.get("best_of")
    if count is None:
        return (len(named), named) if named else default
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
        raise Invalid(f"{prefix}best_of", f"must be a whole number from 1 to {MOST}")
    if len(named) > count:
        raise Invalid(f"{prefix}models", f"names {len(named)} models for {count} tries; give fewer, or raise best_of")
    return count, named or (default[1] if count > 1 else ())


def _models(value: object, field: str, offered: Sequence[str]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
        raise Invalid(field, "must be a list of names of models")
    names = tuple(v.strip() for v in value if v.strip())
    if len(names) > MOST or any(len(name) > _NAME or "\x00" in name for name in names):
        raise Invalid(field, f"may name {MOST} models at most, each in {_NAME} characters")
    unknown = next((name for name in names if offered and name not in offered), None)
    if unknown is not None:
        some = ", ".join(offered[:8])
        raise Invalid(field, f"{unknown[:60]!r} is not a model that Cursor offers; use some of {some}")
    return names


def _candidate(task: PlanTask, keys: tuple[str, ...], number: int, models: tuple[str, ...]) -> PlanTask:
    model = models[number % len(models)] if models else task.model
    on = f" on {model}" if models else ""
    title = f"Try {number + 1} of {len(keys)}{on}: {task.title}"
    return replace(task, key=keys[number], title=title[:200], model=model, candidate_of=task.key)


def _free_keys(key: str, count: int, taken: set[str]) -> tuple[str, ...]:
    base, again = key[:58], 1
    while taken & (keys := {f"{base}.{number}" for number in range(1, count + 1)}):
        again += 1
        base = f"{key[:54]}-{again}"
    taken |= keys
    return tuple(f"{base}.{number}" for number in range(1, count + 1))


def _as_written(task: PlanTask, candidates: list[PlanTask]) -> PlanTask:
    if not candidates:
        return task if task.is_merge or task.best_of or task.models else replace(task, best_of=1)
    models = tuple(one.model or "" for one in candidates)
    differ = any(one.model != task.model for one in candidates)
    count = len(candidates)
    return replace(
        task, depends_on=candidates[0].depends_on, best_of=count, models=tuple(filter(None, models)) if differ else ()
    )
