"""The planner: what an agent in plan mode is asked, and its answer read strictly, as data from a stranger.

A plan holds keys, titles, prompts and dependencies, nothing else: no model, repository, ref, option or limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import Options, PlanTask, Snapshot
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.plan import TASKS_LIMIT as PLAN_LIMIT
from cursor_monitor.engine.plan import parse_task, refuse_unknown
from cursor_monitor.engine.plan_candidates import agents_in, with_candidates
from cursor_monitor.engine.plan_check import check_dependencies
from cursor_monitor.engine.plan_merge import with_merge_steps
from cursor_monitor.engine.report import last_json_block

ANSWER_LIMIT = 200_000  # characters of an answer that are kept
TASKS_LIMIT = 30  # tasks that a planner may propose, merge steps included
_REASONS = 10
_FIELDS = frozenset({"key", "title", "prompt", "depends_on"})
_FORMAT = """
End your last message with a fenced JSON block, and nothing after it:

```json
{"tasks": [{"key": "short-name", "title": "One line", "prompt": "All that this agent needs to know",
            "depends_on": ["keys of tasks that must be done before"]}]}
```
"""


class PlanUnusable(Exception):
    """The answer is no plan that may be used; `reasons` say why, each with its place."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def planner_prompt(s: Snapshot) -> str:
    """What the planner is asked."""
    limit = max(1, agents_allowed(s, s.agents_used + 1) // s.options.best_of)
    return (
        "Plan only; change nothing. Read the repository, then split the request below into tasks for coding agents "
        f"that work in parallel, each on a branch of its own: as few as make sense, at most {limit}. A task that waits "
        "for others starts from their branches; where it waits for several, one more step that merges them is put in "
        "and counts. Two tasks that change the same lines must wait for each other. Each prompt must be complete by "
        "itself: what to do, where, how to test it. If splitting gains nothing, give one task."
        f"\n\n<request>\n{s.prompt}\n</request>\n{_FORMAT}"
    )


def ask_for_another_plan(reasons: tuple[str, ...]) -> str:
    """The one request for a plan that can be used."""
    lines = "\n".join(f"- {reason}" for reason in reasons)
    return f"Your plan cannot be used:\n\n{lines}\n\nSend the whole plan again, mended.\n{_FORMAT}"


def agents_allowed(s: Snapshot, used: int) -> int:
    """How many agents a plan may take: the planner's own limit, and what the budget of agents leaves after `used`."""
    allowed, tries = s.allowance or s.options.max_agents, s.options.best_of
    most = min(TASKS_LIMIT * tries, PLAN_LIMIT * tries // (tries + 1)) if tries > 1 else TASKS_LIMIT
    return most if allowed is None else max(tries, min(most, allowed - used))


def read_plan(answer: str | None, limit: int, options: Options = Options()) -> tuple[PlanTask, ...]:
    """The tasks of the answer's last JSON block, merge steps and candidates put in; raises PlanUnusable with every
    reason found. `limit` is how many agents it may take."""
    tasks = with_candidates(with_merge_steps(_tasks(_items(answer or ""))), options)
    agents = agents_in(tasks)
    if agents > limit or len(tasks) > PLAN_LIMIT:
        steps = sum(task.is_merge for task in tasks)
        each = f" and {options.best_of} candidates for each task" if options.best_of > 1 else ""
        raise PlanUnusable(f"tasks: at most {limit} are allowed, with {steps} merge steps{each} these are {agents}")
    return tasks


def _items(answer: str) -> list[Any]:
    block = last_json_block(answer)
    if block is None:
        raise PlanUnusable("the message does not end with a fenced JSON block")
    try:
        data = json.loads(block)
    except (ValueError, RecursionError) as error:
        raise PlanUnusable(f"the block is not JSON: {str(error)[:200]}") from None
    if not isinstance(data, dict) or set(data) != {"tasks"} or not isinstance(data["tasks"], list):
        raise PlanUnusable('the block must be an object with "tasks", a list, and nothing else')
    if not data["tasks"]:
        raise PlanUnusable("tasks: is empty; give at least one")
    if len(data["tasks"]) > TASKS_LIMIT:
        raise PlanUnusable(f"tasks: at most {TASKS_LIMIT} are allowed, {len(data['tasks'])} were given")
    return data["tasks"]


def _tasks(items: list[Any]) -> list[PlanTask]:
    tasks: list[PlanTask] = []
    reasons: list[str] = []
    for index, item in enumerate(items):
        try:
            if isinstance(item, Mapping):
                refuse_unknown(item, _FIELDS, f"tasks[{index}].")
            tasks.append(parse_task(item, index, Mode.AUTO, ()))
        except Invalid as error:
            reasons.append(error.message)
    if not reasons:
        try:
            check_dependencies(tasks)
        except Invalid as error:
            reasons.append(error.message)
    if reasons:
        raise PlanUnusable(*[reason[:500] for reason in reasons[:_REASONS]])
    return tasks
