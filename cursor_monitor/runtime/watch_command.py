"""`cursor-monitor watch`: an orchestration from here to its end, in a terminal."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from typing import Any

from cursor_monitor.runtime import terminal
from cursor_monitor.runtime.remote import ENDED, Remote, RemoteError, connect, part
from cursor_monitor.settings import Settings

_PAUSE = 1.0
_PAGE = 200


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Show what happens until it ends; 0 where it completed, 1 where it did not."""
    try:
        with connect(settings) as remote:
            return follow(remote, options.id, options)
    except RemoteError as error:
        return terminal.fail(str(error))


def follow(remote: Remote, orchestration_id: str, options: argparse.Namespace) -> int:
    """The same on an open connection; an outage of the server is waited out."""
    view = _View(options.json)
    path, seen = f"/orchestrations/{part(orchestration_id)}", 0
    until = time.monotonic() + options.timeout if options.timeout else None
    while True:
        try:
            # First the state, then the events: what ended by then has all of its events.
            found = remote.get(path)
            for event in remote.every(f"{path}/events", after=seen, limit=_PAGE):
                view.event(event)
                seen = event["seq"]
        except RemoteError as error:
            if not error.is_passing:
                raise
            view.waiting(str(error))
        else:
            view.progress(found)
            if found["status"] in ENDED:
                view.end(found)
                return terminal.OK if found["status"] == "completed" else terminal.FAILED
        if until is not None and time.monotonic() > until:
            view.clear()
            return terminal.fail(f"it has not ended within {options.timeout:g} s; it goes on")
        time.sleep(_PAUSE)


class _View:
    """Events as lines, and one line below them that changes, where a person looks on."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._is_live = sys.stdout.isatty() and not as_json
        self._is_out = False

    def event(self, event: dict[str, Any]) -> None:
        if self._as_json:
            terminal.write(json.dumps({"event": event}))
            return
        self.clear()
        task = f" {event['task_key']}:" if event["task_key"] else ""
        mark = {"error": "!", "warning": "?", "success": "+"}.get(event["level"], " ")
        terminal.write(terminal.harmless(f"{event['created_at'][11:19]} {mark}{task} {event['message']}"))

    def progress(self, found: dict[str, Any]) -> None:
        self._is_out = False
        if self._is_live:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(f"\r\033[K{_line(found)[:width]}")
            sys.stdout.flush()

    def waiting(self, why: str) -> None:
        if not self._is_out:
            self.clear()
            terminal.fail(f"{why} Waiting.")
        self._is_out = True

    def end(self, found: dict[str, Any]) -> None:
        self.clear()
        terminal.write(json.dumps({"orchestration": found}) if self._as_json else _line(found))

    def clear(self) -> None:
        if self._is_live:
            sys.stdout.write("\r\033[K")


def _line(found: dict[str, Any]) -> str:
    done, total = found["tasks_completed"], found["tasks_total"]
    bar = "#" * (20 * done // total) if total else ""
    quality = "unknown" if found["quality_score"] is None else str(found["quality_score"])
    parts = [f"[{bar:<20}] {found['status']}", f"{done}/{total} tasks", f"{found['active_agents']} agents at work"]
    summary = terminal.harmless(found.get("error_summary") or "")
    return ", ".join([*parts, f"quality {quality}"]) + (f": {summary}" if summary else "")
