"""`cursor-monitor export`: an orchestration, an agent or the whole fleet as a file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from cursor_monitor.runtime import terminal
from cursor_monitor.runtime.remote import Remote, RemoteError, connect, part
from cursor_monitor.settings import Settings

_FORMATS = {"orchestration": ("json", "md"), "agent": ("json", "text"), "fleet": ("csv",)}


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Write it to stdout or to a file, which is there whole or not at all."""
    kind = "fleet" if options.id == "agents" else "agent" if options.id.startswith("bc-") else "orchestration"
    chosen = options.format or _FORMATS[kind][0]
    if chosen not in _FORMATS[kind]:
        return terminal.fail(f"--format: for this must be {' or '.join(_FORMATS[kind])}, not {chosen}", terminal.USAGE)
    try:
        with connect(settings) as remote:
            text = _read(remote, kind, options.id, chosen)
        _write(text, options.output)
    except RemoteError as error:
        return terminal.fail(str(error))
    except OSError as error:
        return terminal.fail(f"--output: {options.output} cannot be written: {error.strerror}")
    return terminal.OK


def _read(remote: Remote, kind: str, found: str, chosen: str) -> str:
    if kind == "fleet":
        return remote.text("/agents/export")
    if kind == "agent":
        return remote.text(f"/agents/{part(found)}/export", format=chosen)
    path = f"/orchestrations/{part(found)}"
    if chosen == "md":
        return remote.text(f"{path}/proof.md")
    whole = {
        "orchestration": remote.get(path),
        "tasks": remote.get(f"{path}/tasks")["items"],
        "events": list(remote.every(f"{path}/events", limit=200)),
        "proof": remote.get(f"{path}/proof"),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _write(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    path = Path(output)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
