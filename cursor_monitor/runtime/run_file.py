"""The data folder belongs to one running product at a time; what a killed one left running is ended."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import psutil

GRACE_SECONDS = 5.0


class AlreadyRunningError(RuntimeError):
    """Another product runs on the same data folder; the message says which."""


class RunFile:
    """`run.json` in the data folder: locked while the product runs, and a list of its processes."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "run.json"
        self._file: IO[str] | None = None

    def take(self, url: str) -> None:
        """Lock the data folder and end leftovers; AlreadyRunningError where a product runs on it."""
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found = _read(file)
            file.close()
            raise AlreadyRunningError(
                f"Cursor Monitor already runs on {self._path.parent} (process {found.get('pid', 'unknown')}, "
                f"{found.get('url', 'address unknown')}): stop it, or choose another folder, as in DATA_DIR=.data2"
            ) from None
        self._file = file
        _end(_read(file).get("processes", []))
        self._facts = {"pid": os.getpid(), "url": url}
        self.note([])

    def note(self, pids: Iterable[int]) -> None:
        """Write down the processes of the product."""
        if self._file is None:
            return
        processes = [[pid, born] for pid in pids if (born := _born(pid)) is not None]
        self._file.seek(0)
        self._file.truncate()
        json.dump({**self._facts, "processes": processes}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Give the data folder back."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._file.close()
            self._file = None


def _read(file: IO[str]) -> dict[str, object]:
    file.seek(0)
    with contextlib.suppress(ValueError):
        found = json.loads(file.read() or "{}")
        if isinstance(found, dict):
            return found
    return {}


def _born(pid: int) -> float | None:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return None


def _end(processes: object) -> None:
    """End processes that still are those written down (a number may have been given to another)."""
    left: list[psutil.Process] = []
    for pid, born in processes if isinstance(processes, list) else []:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(pid))
            # A leftover Postgres is ended by the next one, in its own gentle way.
            if process.create_time() == born and process.name() != "postgres":
                process.terminate()
                left.append(process)
    for process in psutil.wait_procs(left, timeout=GRACE_SECONDS)[1]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(left, timeout=GRACE_SECONDS)
