"""Other queues on the same server, each in a database of its own, from an environment that is made on first use."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench import stack
from bench.queue_place import Place
from cursor_monitor.runtime.children import dies_with_parent

FOLDER = Path(__file__).with_name("queue_peers")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cursor-monitor"
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Rival:
    """One of them; `jobs` are drained in a round, `singles` enqueued one by one."""

    name: str
    package: str
    jobs: int
    singles: int
    python: Path
    server: str

    @property
    def url(self) -> str:
        """Of its database."""
        return self.server.replace("/postgres?", f"/peer_{self.name}?")

    def ask(self, command: str, count: int | None = None) -> float:
        """Have it do something, and read the number that it gives."""
        done = subprocess.run(
            self._words(command, count), cwd=stack.ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"{self.name} failed at {command}: {done.stderr[-2000:]}")
        return float(done.stdout or "0")

    def renew(self) -> None:
        """Begin with an empty database of its own."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS peer_{self.name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE peer_{self.name}".encode())
        self.ask("install")

    def drain(self) -> float:
        """Jobs a second."""
        self.ask("many", self.jobs)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        return self.ask("drain", self.jobs)

    @contextlib.contextmanager
    def talking(self, command: str) -> Iterator[subprocess.Popen[str]]:
        """A process of it that is spoken with, killed at the end."""
        running = subprocess.Popen(
            self._words(command, None),
            cwd=stack.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=dies_with_parent(),
        )
        try:
            yield running
        finally:
            running.kill()
            running.wait()

    def version(self) -> str:
        """Of its package."""
        code = f"from importlib.metadata import version; print(version('{self.package}'))"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    def _words(self, command: str, count: int | None) -> list[str]:
        words = [str(self.python), "-m", f"bench.queue_peers.{self.name}_peer", self.url, command]
        return words if count is None else [*words, str(count)]


def rivals(at: Place) -> list[Rival]:
    """Those that can be had here; none with BENCH_PEERS=0."""
    if os.environ.get("BENCH_PEERS") == "0":
        return []
    python = _environment(sys.executable, "requirements.txt")
    newer = _newer()
    oban = newer and _environment(newer, "requirements-oban.txt")
    known = [
        _found(at, "pgqueuer", "pgqueuer", 50_000, 1000, python),
        _found(at, "awa", "awa-pg", 20_000, 500, python),
        _found(at, "procrastinate", "procrastinate", 1000, 500, python),
        _found(at, "oban", "oban", 5000, 500, oban),
    ]
    return [rival for rival in known if rival]


def details(found: list[Rival]) -> dict[str, Any]:
    """Their versions, as a figure tells them."""
    return {rival.name: rival.version() for rival in found}


def _found(at: Place, name: str, package: str, jobs: int, singles: int, python: Path | str | None) -> Rival | None:
    if not python or subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode:
        print(f"  {name} cannot be installed here and is left out", flush=True)
        return None
    return Rival(name, package, jobs, singles, Path(python), at.url)


def _newer() -> str | None:
    """A Python of at least 3.12, which Oban asks for."""
    homes = sorted((Path.home() / ".pyenv" / "versions").glob("3.1[2-9]*/bin/python3"), reverse=True)
    for found in [sys.executable, *filter(None, map(shutil.which, ("python3.14", "python3.13", "python3.12"))), *homes]:
        code = "import sys; sys.exit(sys.version_info < (3, 12))"
        if not subprocess.run([found, "-c", code], capture_output=True).returncode:
            return str(found)
    return None


def _environment(base: str, wanted: str) -> Path | None:
    """The interpreter that has what is wanted, made anew where the list changed; None where it cannot be installed."""
    source = FOLDER / wanted
    digest = hashlib.sha256(source.read_bytes() + base.encode()).hexdigest()[:12]
    folder = CACHE / f"bench-peers-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"  installing the peers of {wanted} into {folder}…", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([base, "-m", "venv", folder], check=True)
        options = ["--quiet", "--no-deps", "--disable-pip-version-check"]
        if subprocess.run([python, "-m", "pip", "install", *options, "-r", source]).returncode:
            return None
        (folder / "ready").touch()
    return python
