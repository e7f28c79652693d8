"""The simulator as a process: start, SIGTERM, SIGKILL, cut connections."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.simulator.harness import AGENT, PROJECT

START_SECONDS = 20


class Process:
    """A running simulator and a client of it."""

    def __init__(self, state: Path, port: int) -> None:
        environ = os.environ | {
            "SIMULATOR_PORT": str(port),
            "SIM_STATE_FILE": str(state),
            "SIM_TIME_SCALE": "0.001",
            "SIM_SEED": "",
        }
        command = [sys.executable, "-m", "cursor_monitor.simulator"]
        self.child = subprocess.Popen(command, cwd=PROJECT, env=environ, stderr=subprocess.PIPE, text=True)
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer k"}, timeout=10, trust_env=False
        )

    def wait_until_up(self) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.child.poll() is None, self.child.stderr and self.child.stderr.read()
            with suppress(httpx.TransportError):
                if self.http.get("/_sim/health").status_code == 200:
                    return
            time.sleep(0.02)
        pytest.fail("the simulator did not start")

    def end(self) -> None:
        """Leave nothing behind."""
        self.http.close()
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        if self.child.stderr:
            self.child.stderr.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def running(tmp_path: Path, port: int) -> Iterator[Process]:
    process = Process(tmp_path / "sim.jsonl", port)
    try:
        process.wait_until_up()
        yield process
    finally:
        process.end()


def create(process: Process, prompt: str = "x") -> httpx.Response:
    return process.http.post("/v1/agents", json={"prompt": {"text": prompt}, "agentId": AGENT})


def test_sigterm_ends_it_within_a_second_though_a_stream_is_open(running: Process) -> None:
    run = create(running, "x [[sim:never]]").json()["run"]
    with running.http.stream("GET", f"/v1/agents/{AGENT}/runs/{run['id']}/stream") as stream:
        assert "status" in next(stream.iter_text())
        begun = time.monotonic()
        running.child.send_signal(signal.SIGTERM)
        assert running.child.wait(5) == 0
        assert time.monotonic() - begun < 1


def test_one_small_process(running: Process) -> None:
    process = psutil.Process(running.child.pid)
    assert process.children() == []
    assert process.memory_info().rss < 60 * 1024 * 1024


def test_sigkill_loses_nothing(running: Process, tmp_path: Path, port: int) -> None:
    assert create(running).status_code == 201
    assert create(running).status_code == 409
    running.child.kill()
    running.child.wait()
    second = Process(tmp_path / "sim.jsonl", port)
    try:
        second.wait_until_up()
        ledger = second.http.get("/_sim/ledger").json()
        assert [(agent["id"], agent["create_calls"]) for agent in ledger["agents"]] == [(AGENT, 2)]
        assert ledger["requests"] == {"POST /v1/agents": 2}
        assert ledger["rejected"] == {"409 agent_id_conflict": 1}
        assert create(second).status_code == 409
    finally:
        second.end()


def test_a_connection_is_really_cut(running: Process) -> None:
    running.http.post("/_sim/faults", json={"effect": "cut", "when": "after", "method": "POST", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        create(running)
    assert create(running).status_code == 409
    running.http.post("/_sim/faults", json={"effect": "truncated", "path": "models", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        running.http.get("/v1/models")
    assert running.http.get("/v1/models").status_code == 200


def test_a_stream_is_really_dropped(running: Process) -> None:
    run = create(running, "x [[sim:never]]").json()["run"]
    running.http.post("/_sim/faults", json={"effect": "stream_drop", "after": 2, "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        running.http.get(f"/v1/agents/{AGENT}/runs/{run['id']}/stream")


def test_a_port_in_use_and_a_wrong_setting_are_said(running: Process, tmp_path: Path, port: int) -> None:
    second = Process(tmp_path / "other.jsonl", port)
    try:
        assert second.child.wait(START_SECONDS) == 2
        assert second.child.stderr
        assert "in use" in second.child.stderr.read()
    finally:
        second.end()
