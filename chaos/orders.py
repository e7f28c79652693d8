"""What people ask for in a fault run: launches of every kind and what is done to them, all of it from the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TASKS = 5
_HOURS = 1 / 3600

# How the agent of a task behaves, and how often. See docs/simulator.md for the words.
_MARKS: Mapping[str, int] = {
    "": 50,
    "[[sim:iterate:1]]": 8,
    "[[sim:iterate:3]]": 4,
    "[[sim:failing-tests:1]]": 6,
    "[[sim:no-tests:1]]": 5,
    "[[sim:low-quality:1]]": 3,
    "[[sim:no-report]]": 3,
    "[[sim:bad-report:1]]": 4,
    "[[sim:error-once]]": 6,
    "[[sim:error]]": 2,
    "[[sim:expire]]": 2,
    "[[sim:no-branch]]": 3,
    "[[sim:iterate:50]]": 1,
    "[[sim:never]]": 3,
}
_PLANS = ("default", "three-tasks", "diamond", "independent", "cycle,diamond", "not-json", "error", "empty,one-task")
_SHAPES: Mapping[str, int] = {"batch": 30, "pipeline": 17, "graph": 20, "list": 16, "planner": 12, "single": 5}
_CONTROLS: Mapping[str, int] = {"pause": 4, "cancel": 2, "skip_task": 2, "retry_task": 3, "followup": 3}
_BUDGETS: Mapping[str, tuple[int, int]] = {"max_agents": (2, 7), "max_followups": (1, 4), "budget_cents": (30, 120)}


@dataclass(frozen=True, slots=True)
class Control:
    """What a person does to an orchestration some seconds after its launch."""

    after_seconds: float
    kind: str
    task: int = 0  # which of its tasks, by place


@dataclass(frozen=True, slots=True)
class Order:
    """One launch: its fields, what is done to it later, and where it may come to rest without an end."""

    number: int
    shape: str
    fields: Mapping[str, Any]
    controls: tuple[Control, ...] = ()
    rests: str | None = None  # paused or blocked, where nobody lets it go on until all others ended
    retries: int = 0  # how often it is tried again once it ended incomplete

    @property
    def tasks(self) -> int | None:
        """How many tasks the request itself names; None where a plan is still to be made."""
        return len(self.fields["tasks"]) if "tasks" in self.fields else 1 if self.shape == "single" else None


def make_orders(seed: str, count: int) -> list[Order]:
    """The orders of a seed; the first ones are the same however many there are."""
    return [_order(random.Random(f"{seed} order {number}"), seed, number) for number in range(count)]


def _order(dice: random.Random, seed: str, number: int) -> Order:
    shape = _one_of(dice, _SHAPES)
    marks = [_one_of(dice, _MARKS) for _ in range(TASKS)]
    options = _options(dice, marks)
    fields = {
        "name": f"Order {number}",
        "repository": f"acme/{dice.choice(('web', 'api', 'docs'))}",
        "options": options,
        **_work(dice, shape, f"Run {seed}, order {number}", marks),
    }
    return Order(number, shape, fields, _controls(dice), _rest(dice, options), retries=dice.choice((0, 0, 0, 1, 2)))


def _work(dice: random.Random, shape: str, name: str, marks: Sequence[str]) -> dict[str, Any]:
    texts = [f"{name}, part {n}: mend module {n} and test it. {mark}".strip() for n, mark in enumerate(marks, 1)]
    match shape:
        case "single":
            return {"mode": "SINGLE_AGENT", "prompt": texts[0]}
        case "planner":
            plan = f"[[sim:plan:{dice.choice(_PLANS)}]]"
            return {"mode": "AUTO", "prompt": f"{name}: make the settings page faster, with tests. {plan} {marks[0]}"}
        case "list":
            listed = "\n".join(f"{n}. {text}" for n, text in enumerate(texts, 1))
            return {"mode": dice.choice(("BATCH", "PIPELINE")), "prompt": f"{name}. All of this:\n\n{listed}"}
        case "graph":
            tasks = [_task(n, text, _depends_on(dice, n)) for n, text in enumerate(texts)]
            return {"mode": "AUTO", "prompt": f"{name}: a graph.", "tasks": tasks}
        case _:
            tasks = [_task(n, text) for n, text in enumerate(texts)]
            return {"mode": shape.upper(), "prompt": f"{name}: a {shape}.", "tasks": tasks}


def _task(place: int, prompt: str, depends_on: Sequence[str] = ()) -> dict[str, Any]:
    task: dict[str, Any] = {"key": f"t{place}", "title": f"Part {place}", "prompt": prompt}
    return task | ({"depends_on": list(depends_on)} if depends_on else {})


def _depends_on(dice: random.Random, place: int) -> list[str]:
    return [f"t{other}" for other in range(place) if dice.random() < 0.4]


def _options(dice: random.Random, marks: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "max_parallel_agents": dice.randint(1, 5),
        "max_iterations": dice.choice((2, 4, 20)),
        "max_attempts": dice.randint(1, 3),
    }
    if "[[sim:iterate:50]]" in marks:
        options["max_iterations"] = 3
    if any("never" in mark for mark in marks):
        options["timeout_hours"] = dice.uniform(8, 14) * _HOURS
    if dice.random() < 0.1:
        options["require_approval"] = True
    if dice.random() < 0.25:
        budget = dice.choice(sorted(_BUDGETS))
        options[budget] = dice.randint(*_BUDGETS[budget])
    elif dice.random() < 0.05:
        options["wall_hours"] = dice.uniform(10, 40) * _HOURS
    return options


def _rest(dice: random.Random, options: Mapping[str, Any]) -> str | None:
    chance = dice.random()
    if options.keys() & {*_BUDGETS, "wall_hours"}:
        return "blocked" if chance < 0.3 else None
    return "paused" if chance < 0.02 else None


def _controls(dice: random.Random) -> tuple[Control, ...]:
    count = dice.choice((0, 0, 0, 1, 1, 2))
    return tuple(Control(dice.uniform(0.2, 20), _one_of(dice, _CONTROLS), dice.randrange(TASKS)) for _ in range(count))


def _one_of(dice: random.Random, weights: Mapping[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]
