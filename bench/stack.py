"""The product as a person starts it, for the length of a measurement."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import psutil

from cursor_monitor.runtime.children import dies_with_parent
from cursor_monitor.store.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
READY = "Cursor Monitor is ready at "
START_SECONDS = 600.0
STOP_SECONDS = 60.0
# A person's own settings, and the make that called us, must not reach the product under measurement.
FOREIGN = ("DATABASE_URL", "SUPABASE_DB_URL", "CURSOR_API_KEY", "CURSOR_API_URL", "REDIS_HOST", "PUBLIC_URL")
MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")


class Stack:
    """One start of the product: its process, its lines, and how long it took to answer."""

    def __init__(self, command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> None:
        self.port, self.lines = int(environ["PORT"]), list[str]()
        self.simulator_url = f"http://127.0.0.1:{environ['SIMULATOR_PORT']}"
        self.data_dir = Path(environ["DATA_DIR"])
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=_clean() | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=dies_with_parent(),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Where the app answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        """Its embedded Postgres."""
        return EmbeddedPostgres(self.data_dir / "postgres").url

    def wait_until_ready(self, path: str = "/orchestrations") -> float:
        """Seconds from the command to the page answering and the product saying so."""
        deadline = self._began + START_SECONDS
        while not (self.ready_line() and self._answers(path)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the product did not start:\n" + "\n".join(self.lines[-40:]))
            time.sleep(0.02)
        return time.monotonic() - self._began

    def ready_line(self) -> str | None:
        """What the product said once it was ready."""
        return next((line for line in self.lines if line.startswith(READY)), None)

    def part(self, word: str) -> psutil.Process:
        """The process of a part, by a word of its command line; its children belong to it."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(Path(argument).name == word for argument in process.cmdline()):
                    return process
        raise RuntimeError(f"no process runs {word}")

    def stop(self) -> None:
        """Ctrl-C, as a person would; harder where that takes long."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
                break
        self._reader.join(5)

    def _answers(self, path: str) -> bool:
        with contextlib.suppress(httpx.HTTPError), httpx.Client(trust_env=False, timeout=5) as http:
            return http.get(f"{self.url}{path}", follow_redirects=True).status_code == 200
        return False

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(line.rstrip("\n") for line in output)


@contextlib.contextmanager
def running(data_dir: Path, **environ: str) -> Iterator[Stack]:
    """The whole product of this tree on a data folder of its own, built pages and all, ready to be used."""
    chosen = places(data_dir) | environ
    stack = Stack([sys.executable, "-m", "cursor_monitor.cli", "up"], ROOT, chosen)
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()


def places(data_dir: Path) -> dict[str, str]:
    """Ports and a folder that nobody else uses."""
    return {"DATA_DIR": str(data_dir), "PORT": str(free_port()), "SIMULATOR_PORT": str(free_port())}


def _clean() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in MAKE}
    # Empty rather than absent, so that a .env file does not bring them back.
    return kept | dict.fromkeys(FOREIGN, "") | {"HOST": "127.0.0.1"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
