"""The simulator and workers as real processes, each ended with the test whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from cursor_monitor.runtime.children import dies_with_parent
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0

Json = dict[str, Any]


class Process:
    """One Python module as a process; what it says goes to a file."""

    def __init__(self, module: str, environ: Mapping[str, str], log: Path, arguments: Sequence[str] = ()) -> None:
        self._log = log
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=_clean_environment() | dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )

    @property
    def log(self) -> str:
        """All that it said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def is_alive(self) -> bool:
        """True while it runs."""
        return self.child.poll() is None

    def says(self, text: str, seconds: float = START_SECONDS) -> None:
        """Wait until its log holds the text."""
        eventually(lambda: text in self.log or self._check_alive(), seconds)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.child.kill()
        self.child.wait()

    def terminate(self, seconds: float = 20.0) -> int:
        """SIGTERM; returns the exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(seconds)

    def _check_alive(self) -> None:
        assert self.is_alive, f"ended with code {self.child.returncode}:\n{self.log}"


class Simulator(Process):
    """Cursor's API, played; `url` is its address."""

    def __init__(self, log: Path, time_scale: float, seed: str = "7") -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        environ = {"SIMULATOR_PORT": str(port), "SIM_TIME_SCALE": str(time_scale), "SIM_SEED": seed}
        super().__init__("cursor_monitor.simulator", environ, log)

    def wait_until_up(self) -> None:
        """Return once it answers."""
        eventually(self._is_up, START_SECONDS)

    def reset(self) -> None:
        """Forget all agents and faults."""
        self.http.post("/_sim/reset", json={}).raise_for_status()

    def fault(self, effect: str, **rule: object) -> None:
        """Misbehave from now on."""
        self.http.post("/_sim/faults", json={"effect": effect, **rule}).raise_for_status()

    def trouble(self, key: str, trouble: str | None) -> None:
        """Bring a key into trouble (revoked, no_plan, no_money), or out of it."""
        self.http.put("/_sim/keys", json={"key": key, "trouble": trouble}).raise_for_status()

    def clear_faults(self) -> None:
        """Behave again."""
        self.http.delete("/_sim/faults").raise_for_status()

    def ledger(self) -> Json:
        """Everything that was ever created or refused."""
        return self.http.get("/_sim/ledger?full=true").raise_for_status().json()

    def agents(self) -> list[Json]:
        """The agents of the ledger."""
        return self.ledger()["agents"]

    def kill(self) -> None:
        """SIGKILL, and close the client."""
        self.http.close()
        super().kill()

    def _is_up(self) -> bool:
        self._check_alive()
        try:
            return self.http.get("/_sim/health").status_code == 200
        except httpx.TransportError:
            return False


class Workers:
    """Starts workers on one database and one simulator, and ends what is left of them."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = dict(environ)
        self._folder = folder
        self.all: list[Process] = []

    def begin(self, **environ: str) -> Process:
        """Start a worker without waiting for it."""
        log = self._folder / f"worker-{len(self.all) + 1}.log"
        worker = Process("worker", self._environ | environ, log)
        self.all.append(worker)
        return worker

    def start(self, **environ: str) -> Process:
        """Start a worker and wait until it works."""
        worker = self.begin(**environ)
        worker.says("worker ready")
        return worker

    def end(self) -> None:
        """Kill every worker that is left."""
        for worker in self.all:
            worker.kill()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _clean_environment() -> dict[str, str]:
    # A developer's own settings must not reach the processes under test.
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
