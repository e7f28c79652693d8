"""The whole product as a person starts it: ready, brought back after kills, gone after the end, there again at once."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from cursor_monitor.runtime.product import is_up
from cursor_monitor.store.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180  # the first start builds the pages

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Product:
    """One `cursor-monitor up`, and what it said."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        environ = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            "SIMULATOR_PORT": str(free_port()),
            "HOST": "127.0.0.1",
            **dict.fromkeys(("DATABASE_URL", "SUPABASE_DB_URL", "CURSOR_API_KEY", "CURSOR_API_URL"), ""),
        }
        command = [sys.executable, "-m", "cursor_monitor.cli", "up"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def until(self, text: str) -> str:
        """Wait for the next line with the text."""
        while True:
            line = self._new.get(timeout=START_SECONDS)
            assert line is not None, "\n".join(self.lines)
            self.lines.append(line)
            if text in line:
                return line

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def family(self) -> list[psutil.Process]:
        """Every process of the product, `up` first."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def find(self, word: str) -> psutil.Process:
        """The direct child with the word in its command line."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if word in " ".join(child.cmdline()))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    started = Product(tmp_path / "data")
    yield started
    started.close()


def all_gone(family: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(family, timeout=30)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_killed_parts_come_back_and_an_end_leaves_nothing(product: Product) -> None:
    product.until("Cursor Monitor is ready at ")
    assert is_up(product.url)
    for word, name in (
        ("worker", "worker"),
        ("simulator", "simulator"),
        ("bin/postgres", "postgres"),
        ("granian", "app"),
    ):
        product.find(word).kill()
        product.until(f"{name} exited with code -9; restarting in 1 s")
        product.until(f"{name} is back")
    assert is_up(product.url)
    family = product.family()
    product.process.send_signal(signal.SIGTERM)
    product.until("stopping app")
    product.until("stopping worker")
    product.until("stopping simulator")
    product.until("stopping postgres")
    product.until("stopped; the data is kept")
    assert product.process.wait(30) == 0
    assert all_gone(family)


def test_a_killed_product_leaves_nothing_and_starts_again_with_its_data(product: Product) -> None:
    product.until("Cursor Monitor is ready at ")
    database = EmbeddedPostgres(product.data_dir / "postgres").url
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    family = product.family()
    product.process.kill()
    again = Product(product.data_dir)
    try:
        again.until("Cursor Monitor is ready at ")
        assert is_up(again.url)
        assert all_gone(family)
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(60) == 0
    finally:
        again.close()
