"""A real Redis server that a test may stop, start, freeze, empty and give another password."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import redis

from cursor_monitor.runtime.children import dies_with_parent
from tests.support.processes import ROOT, free_port
from tests.support.waiting import eventually

PASSWORD = "a word of its own / with @ signs"


class RedisServer:
    """One server on a port that stays the same; nothing is kept on disk."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._program = subprocess.run(
            [sys.executable, "scripts/redis_server.py"], cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
        ).stdout.strip()
        self._child: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def environ(self) -> dict[str, str]:
        """The settings that lead to it."""
        return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.port), "REDIS_PASSWORD": PASSWORD}

    def client(self) -> redis.Redis:
        """A connection of the test's own."""
        return redis.Redis("127.0.0.1", self.port, password=PASSWORD, socket_timeout=5)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._child = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=dies_with_parent(signal.SIGKILL),
        )
        eventually(self._is_up, 10)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def freeze(self, is_frozen: bool) -> None:
        """Answer nothing though every connection stays; or go on."""
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP if is_frozen else signal.SIGCONT)

    def change_password(self) -> None:
        """Have it take another password from now on, and break every connection."""
        with self.client() as client:
            client.config_set("requirepass", "another")
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_kill_filter(_type="pubsub")

    def _is_up(self) -> bool:
        assert self._child is not None
        assert self._child.poll() is None, "redis-server ended"
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False
