"""Answers of an agent in plan mode: a made-up plan, or the one a [[sim:plan:NAME]] marker names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cursor_monitor.simulator.model import Agent, Run
from cursor_monitor.simulator.reports import slug
from cursor_monitor.simulator.scenarios import markers_in
from cursor_monitor.simulator.schedule import plan_answer

_FILE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")


def _task(key: str, title: str, *depends_on: str, prompt: str | None = None) -> dict[str, Any]:
    text = f"{title}. Keep the change small and add tests." if prompt is None else prompt
    return {"key": key, "title": title, "prompt": text, "depends_on": list(depends_on)}


_THREE = [
    _task("model", "Add the data model"),
    _task("api", "Add the API", "model"),
    _task("ui", "Add the page", "api"),
]
_DIAMOND = [
    _task("base", "Lay the base"),
    _task("left", "Build the left side", "base"),
    _task("right", "Build the right side", "base"),
    _task("join", "Join both sides", "left", "right"),
]
_LISTS: dict[str, list[dict[str, Any]]] = {
    "three-tasks": _THREE,
    "diamond": _DIAMOND,
    "independent": [_task(f"part-{n}", f"Do part {n}") for n in range(1, 5)],
    "one-task": _THREE[:1],
    "empty": [],
    "cycle": [_task("a", "First", "b"), _task("b", "Second", "a")],
    "duplicate-keys": [_task("a", "First"), _task("a", "Again")],
    "unknown-dependency": [_task("a", "First", "nowhere")],
    "empty-prompt": [_task("a", "First", prompt="")],
    "too-many": [_task(f"task-{n}", f"Task {n}") for n in range(500)],
}
PLAN_NAMES = frozenset({*_LISTS, "default", "not-json", "error", "expire", "never"})


def plan_text(agent: Agent, run: Run, plan_dir: Path | None) -> str:
    """The final reply of a finished run in plan mode."""
    name = plan_answer(agent.scenario, run.number)
    if name == "not-json":
        return 'I would start with the data model:\n\n```json\n{"tasks": [{"key": "model", \n```'
    if name in _LISTS:
        return _answer(_LISTS[name])
    stored = _stored(name, plan_dir)
    return stored if stored is not None else _answer(_default(run.prompt, agent.name))


def _answer(tasks: list[dict[str, Any]]) -> str:
    body = json.dumps({"tasks": tasks}, indent=2)
    return f"I read the repository and would split the work as follows.\n\n```json\n{body}\n```"


def _stored(name: str, plan_dir: Path | None) -> str | None:
    if plan_dir is None or not _FILE_NAME.match(name):
        return None
    try:
        return (plan_dir / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _default(prompt: str, name: str) -> list[dict[str, Any]]:
    goal, marks = _goal(prompt) or name, " ".join(markers_in(prompt))
    tasks = [
        _task("prepare", f"Prepare: {slug(goal).replace('-', ' ')}"),
        _task("implement", "Implement the request", "prepare"),
        _task("verify", "Test and document the request", "implement"),
    ]
    for task in tasks:
        task["prompt"] = f"{task['title']}. The request was: {goal}" + (f"\n\n{marks}" if marks else "")
    return tasks


def _goal(prompt: str) -> str:
    quoted = re.search(r"<(request|prompt|goal)>\s*(.*?)\s*</\1>", prompt, re.DOTALL)
    text = quoted.group(2) if quoted else prompt
    return " ".join(re.sub(r"\[\[sim:[^\]]*\]\]", "", text).split())[:400]
