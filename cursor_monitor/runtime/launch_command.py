"""`cursor-monitor launch`: ask for an orchestration, or for its plan alone, over the API."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from cursor_monitor.runtime import terminal, watch_command
from cursor_monitor.runtime.remote import Remote, RemoteError, connect
from cursor_monitor.settings import Settings

_FIELDS = ("repository", "ref", "model", "account", "mode", "name")


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Launch once, whatever happens to the answer, and say where to look."""
    try:
        body = _body(options)
    except ValueError as error:
        return terminal.fail(str(error), terminal.USAGE)
    try:
        with connect(settings) as remote:
            return _plan(remote, body, options) if options.dry_run else _launch(remote, body, options)
    except RemoteError as error:
        return terminal.fail(str(error), terminal.USAGE if error.status in (400, 422) else terminal.FAILED)


def _launch(remote: Remote, body: dict[str, Any], options: argparse.Namespace) -> int:
    made = remote.create("/orchestrations", body, options.key)
    place = f"{remote.url}/orchestrations/{made['id']}"
    if not options.watch:
        terminal.show(made, f"{made['id']}\n{place}", options)
        return terminal.OK
    if not options.json:
        terminal.write(place)
    return watch_command.follow(remote, made["id"], options)


def _plan(remote: Remote, body: dict[str, Any], options: argparse.Namespace) -> int:
    plan = remote.change("/orchestrations/dry-run", body)
    tasks = [(task["key"], task["title"], ", ".join(task["depends_on"])) for task in plan["tasks"]]
    most = f"agents: {plan['agents']}, at most {plan['agents_most']}"
    lines = [terminal.table(tasks, ("TASK", "TITLE", "AFTER")) if tasks else "a planner is asked first", most]
    terminal.show(plan, "\n".join(lines), options)
    return terminal.OK


def _body(options: argparse.Namespace) -> dict[str, Any]:
    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    body = {"prompt": prompt, **{name: getattr(options, name) for name in _FIELDS}}
    if options.tasks:
        body["tasks"] = _tasks(Path(options.tasks))
    if options.option:
        body["options"] = dict(_option(text) for text in options.option)
    return body


def _tasks(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--tasks: {path} cannot be read as JSON: {error}") from None


def _option(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--option: must be NAME=VALUE, as in max_agents=5, not {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
