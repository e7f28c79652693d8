"""The append-only file that carries the simulator's state over a restart, SIGKILL included."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class JournalError(RuntimeError):
    """The state file cannot be understood; the message names the line."""


class Journal:
    """One JSON object a line, handed to the kernel before the request is answered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def read(self) -> Iterator[Entry]:
        """The entries so far; a last line cut short by a crash is removed."""
        lines = self._path.read_bytes().split(b"\n")
        torn = lines.pop()
        if torn:
            os.ftruncate(self._file, os.fstat(self._file).st_size - len(torn))
        for number, line in enumerate(lines, 1):
            yield self._parsed(line, number)

    def append(self, entry: Entry) -> None:
        """Add one entry."""
        remaining = memoryview(_line(entry))
        while remaining:
            remaining = remaining[os.write(self._file, remaining) :]

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Put these entries in the place of all others, atomically."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.close(self._file)
        self._file = descriptor
        for entry in entries:
            self.append(entry)
        fresh.replace(self._path)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _parsed(self, line: bytes, number: int) -> Entry:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise JournalError(f"{self._path}, line {number}: not a JSON object; remove the file to start afresh")
        return entry


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
