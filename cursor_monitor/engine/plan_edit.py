"""The plan that a person puts in the place of another: checked as a whole, each refusal at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import Options, PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.plan import KEY_PATTERN, TASKS_LIMIT, check_size, parse_task, whole_plan
from cursor_monitor.engine.plan_candidates import MOST, without_candidates
from cursor_monitor.engine.plan_check import check_dependencies
from cursor_monitor.engine.plan_merge import without_merge_steps


def parse_plan(value: object, models: Sequence[str] = (), options: Options = Options()) -> tuple[PlanTask, ...]:
    """The plan that a person gives in the place of another; raises Invalid at the place that cannot be.

    Merge steps and candidates in it are taken as the plan's own: they are made anew, from what waits for what and from
    the task that the candidates are tries at.
    """
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or not value:
        raise Invalid("tasks", "must be a list of tasks, one at the least")
    if len(value) > TASKS_LIMIT:
        raise Invalid("tasks", f"at most {TASKS_LIMIT} are allowed, {len(value)} were given; split the job")
    tasks: list[PlanTask] = []
    for index, item in enumerate(value):
        fields = dict(item) if isinstance(item, Mapping) else item
        made = fields.pop("is_merge", False) if isinstance(fields, dict) else False
        if made not in (True, False, None):
            raise Invalid(f"tasks[{index}].is_merge", "must be true or false")
        of = fields.pop("candidate_of", None) if isinstance(fields, dict) else None
        task = parse_task(fields, index, Mode.AUTO, models)
        tasks.append(replace(task, is_merge=bool(made), candidate_of=of))
    check_dependencies(tasks)
    _check_candidates(tasks)
    plain = without_merge_steps(without_candidates(tasks))
    if not plain:
        raise Invalid("tasks", "must hold one task at the least that is no merge step")
    whole = whole_plan(plain, options)
    check_size(whole)
    return whole


def _check_candidates(tasks: Sequence[PlanTask]) -> None:
    by_key = {task.key: task for task in tasks}
    count: dict[str, int] = {}
    for index, task in enumerate(tasks):
        of = task.candidate_of
        if of is None:
            continue
        field = f"tasks[{index}].candidate_of"
        if not isinstance(of, str) or not KEY_PATTERN.fullmatch(of) or of not in by_key or of == task.key:
            raise Invalid(field, "must be the key of another task, which it is one of several tries at")
        if by_key[of].candidate_of is not None:
            raise Invalid(field, f"{of!r} is a candidate itself; name the task that it is a try at")
        count[of] = count.get(of, 0) + 1
        if count[of] > MOST:
            raise Invalid(field, f"{of!r} has more than {MOST} candidates; leave some out")
