"""The plan that a person puts in the place of another: checked as a whole, each refusal at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.plan import TASKS_LIMIT, check_size, parse_task
from cursor_monitor.engine.plan_check import check_dependencies
from cursor_monitor.engine.plan_merge import with_merge_steps, without_merge_steps


def parse_plan(value: object, models: Sequence[str] = ()) -> tuple[PlanTask, ...]:
    """The plan that a person gives in the place of another; raises Invalid at the place that cannot be.

    Merge steps in it are taken as the plan's own: they are made anew from what waits for what.
    """
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or not value:
        raise Invalid("tasks", "must be a list of tasks, one at the least")
    if len(value) > TASKS_LIMIT:
        raise Invalid("tasks", f"at most {TASKS_LIMIT} are allowed, {len(value)} were given; split the job")
    tasks: list[PlanTask] = []
    for index, item in enumerate(value):
        fields = dict(item) if isinstance(item, Mapping) else item
        is_merge = fields.pop("is_merge", False) if isinstance(fields, dict) else False
        if is_merge not in (True, False, None):
            raise Invalid(f"tasks[{index}].is_merge", "must be true or false")
        tasks.append(replace(parse_task(fields, index, Mode.AUTO, models), is_merge=bool(is_merge)))
    check_dependencies(tasks)
    plain = without_merge_steps(tasks)
    if not plain:
        raise Invalid("tasks", "must hold one task at the least that is no merge step")
    made = with_merge_steps(plain)
    check_size(made)
    return made
