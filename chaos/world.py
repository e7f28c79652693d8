"""What a fault run plays on: a Postgres of its own, the simulator, and workers as processes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chaos.storm import LEASE_SECONDS
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import schema
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support.processes import Process, Simulator, Workers

SECRET = "a secret that only the fault run knows"  # noqa: S105
_POSTGRES = {"fsync": "off", "max_connections": "200", "log_min_messages": "fatal", "max_wal_size": "2GB"}


class World:
    """The parts under attack, and what can be done to each."""

    def __init__(self, folder: Path, *, seed: str, workers: int, time_scale: float, streams: int = 5) -> None:
        self.folder = folder
        self.server = EmbeddedPostgres(folder / "pg", _POSTGRES)
        self.server.start()
        self.url = self.server.url
        schema.migrate(self.url)
        open_all(Settings(database_url=self.url, cursor_webhook_secret=SECRET, data_dir=folder / "data"))
        self.simulator = Simulator(folder / "simulator.log", time_scale, seed=seed)
        self.simulator.wait_until_up()
        self.workers = Workers(self._environ(streams), folder)
        self.expected_dead: set[int] = set()
        self.frozen: set[int] = set()
        self.ever_frozen: set[int] = set()
        self.timed_out: set[int] = set()
        for _ in range(workers):
            self.workers.begin()

    def _environ(self, streams: int) -> dict[str, str]:
        return {
            "DATABASE_URL": self.url,
            "DATA_DIR": str(self.folder / "data"),
            "CURSOR_API_URL": self.simulator.url,
            "CURSOR_RATE_PER_MINUTE": "1000000",
            "OBSERVE_MIN_SECONDS": "0.5",
            "OBSERVE_MAX_SECONDS": "3",
            "LEASE_SECONDS": f"{LEASE_SECONDS:g}",
            "HEARTBEAT_SECONDS": "1",
            "STREAMS_PER_WORKER": str(streams),
        }

    @property
    def working(self) -> list[Process]:
        """The workers that run and are not frozen."""
        return [worker for worker in self.workers.all if worker.is_alive and worker.child.pid not in self.frozen]

    @property
    def unexpected_ends(self) -> list[str]:
        """The workers that ended by themselves, with the end of what they said."""
        return [
            f"worker {worker.child.pid} ended with code {worker.child.returncode}: {worker.log[-500:]}"
            for worker in self.workers.all
            if not worker.is_alive and worker.child.pid not in self.expected_dead
        ]

    def kill(self, dice: random.Random) -> bool:
        """SIGKILL one worker; False where none works."""
        if not self.working:
            return False
        worker = dice.choice(self.working)
        self.expected_dead.add(worker.child.pid)
        worker.kill()
        return True

    def replace_timed_out(self) -> None:
        """Put another in the place of each that the kernel ended: it was frozen just when a follow-up was to leave."""
        for worker in list(self.workers.all):
            pid, code = worker.child.pid, worker.child.poll()
            if code == -signal.SIGKILL and pid in self.ever_frozen - self.expected_dead:
                self.expected_dead.add(pid)
                self.timed_out.add(pid)
                self.begin_worker()

    def kill_all(self) -> None:
        """SIGKILL every worker."""
        self.expected_dead |= {worker.child.pid for worker in self.workers.all}
        self.workers.end()

    def begin_worker(self) -> None:
        """Put another in its place."""
        self.workers.begin()

    def freeze(self, dice: random.Random) -> int | None:
        """SIGSTOP one worker; which, None where none works."""
        if not self.working:
            return None
        pid = dice.choice(self.working).child.pid
        os.kill(pid, signal.SIGSTOP)
        self.frozen.add(pid)
        self.ever_frozen.add(pid)
        return pid

    def thaw(self, pid: int) -> None:
        """Let it go on, where it is still there."""
        self.frozen.discard(pid)
        for worker in self.workers.all:
            if worker.child.pid == pid and worker.is_alive:
                worker.child.send_signal(signal.SIGCONT)

    def restart_postgres(self, number: signal.Signals) -> None:
        """End the server, fast (SIGINT) or at once (SIGQUIT), and start it again."""
        process = self.server.process
        if process is not None:
            process.send_signal(number)
            process.wait(60)
        self.server.stop()
        time.sleep(0.2)  # long enough that somebody finds it gone
        self.server.start()

    def close(self) -> None:
        """End everything."""
        for pid in list(self.frozen):
            self.thaw(pid)
        self.workers.end()
        self.simulator.kill()
        close_all()
        self.server.stop()


@contextlib.contextmanager
def world(folder: Path, **facts: Any) -> Iterator[World]:
    """The parts for the length of a block."""
    made = World(folder, **facts)
    try:
        yield made
    finally:
        made.close()
