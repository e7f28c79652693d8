"""The supervisor: order, restarts with growing pauses, and no process left behind, whatever ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from cursor_monitor.runtime.parts import Command
from cursor_monitor.runtime.supervisor import Backoff, StartFailedError, Supervisor

ROOT = Path(__file__).resolve().parents[2]

STAYS = "import signal; print('up', flush=True); signal.pause()"
# Says goodbye on SIGTERM, so that the order of the ends can be read. The signal is kept until it is waited for: a
# handler that prints fails where the signal comes while "up" is still being written.
POLITE = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("up", flush=True)
signal.sigwait({signal.SIGTERM})
print("bye", flush=True)
"""
STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("pids", os.getpid(), child.pid, flush=True)
while True:
    signal.pause()
"""


class Said:
    """What the supervisor said, and a way to wait for a line of it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        task = asyncio.get_running_loop().create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._more:
            self._more.notify_all()

    async def until(self, is_it: Callable[[str], bool], count: int = 1) -> list[str]:
        async with asyncio.timeout(20), self._more:
            await self._more.wait_for(lambda: sum(map(is_it, self.lines)) >= count)
        return [line for line in self.lines if is_it(line)]


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
async def supervisor(said: Said) -> AsyncIterator[Supervisor]:
    made = Supervisor(said, Backoff(first=0.01, top=0.04))
    yield made
    made.request_stop()
    made.request_stop()
    await made.stop()


def part(name: str, code: str, **options: float) -> Command:
    grace = options.get("grace_seconds", 10.0)
    return Command(name, [sys.executable, "-c", code], cwd=ROOT, environ=os.environ, grace_seconds=grace)


def gone(pids: list[int]) -> bool:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return psutil.wait_procs(processes, timeout=10)[1] == []


async def test_output_is_shown_with_the_name_of_the_part(supervisor: Supervisor, said: Said) -> None:
    long = "x" * 100_000
    await supervisor.start(part("talker", f"print('a'); print({long!r}); print('end', end=''); import sys;"
                                " sys.stdout.flush(); import signal; signal.pause()"))  # fmt: skip
    await said.until(lambda line: line == f"talker    | {long}")
    assert said.lines[0] == "talker    | a"


async def test_a_killed_part_is_reported_and_started_again(supervisor: Supervisor, said: Said) -> None:
    worker = part("worker", STAYS)
    await supervisor.start(worker)
    await said.until(lambda line: line.endswith("| up"))
    os.kill(worker.pids()[0], signal.SIGKILL)
    await said.until(lambda line: line.endswith("| up"), count=2)
    assert "worker exited with code -9; restarting in 0.01 s" in said.lines
    assert "worker is back" in said.lines
    assert len(worker.pids()) == 1


async def test_the_pauses_grow_to_the_top(supervisor: Supervisor, said: Said, tmp_path: Path) -> None:
    # Runs once, then fails at each later start.
    once = "import os, signal, sys; p = sys.argv[1]; os.path.exists(p) and sys.exit(3); open(p, 'w'); print('up', flush=True); signal.pause()"  # noqa: E501
    argv = [sys.executable, "-c", once, str(tmp_path / "ran")]
    worker = Command("worker", argv, cwd=ROOT, environ=os.environ)
    await supervisor.start(worker)
    await said.until(lambda line: line.endswith("| up"))
    os.kill(worker.pids()[0], signal.SIGKILL)
    lines = await said.until(lambda line: "restarting in" in line, count=5)
    assert [line.rsplit(" in ", 1)[1] for line in lines[:5]] == [
        "0.01 s",
        "0.02 s",
        "0.04 s",
        "0.04 s",
        "0.04 s",
    ]
    assert "worker exited with code 3; restarting in 0.02 s" in lines


def test_the_delays_of_the_product() -> None:
    assert [Backoff().delay(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert Backoff().delay(10_000) == 30


async def test_a_quiet_minute_makes_the_pauses_short_again(said: Said) -> None:
    now = 0.0
    supervisor = Supervisor(said, Backoff(first=0.01, top=1, forget_after=60), clock=lambda: now)
    worker = part("worker", STAYS)
    await supervisor.start(worker)
    for count, waited in enumerate((0.0, 0.0, 61.0), start=1):
        await said.until(lambda line: line.endswith("| up"), count)
        now += waited
        os.kill(worker.pids()[0], signal.SIGKILL)
    lines = await said.until(lambda line: "restarting in" in line, count=3)
    await supervisor.stop()
    assert [line.rsplit(" in ", 1)[1] for line in lines] == ["0.01 s", "0.02 s", "0.01 s"]


async def test_a_part_that_never_starts_is_given_up(supervisor: Supervisor, said: Said) -> None:
    async def never() -> bool:
        return False

    broken = Command(
        "app",
        [sys.executable, "-c", "import sys; sys.exit('no such thing')"],
        cwd=ROOT,
        environ=os.environ,
        is_ready=never,
    )
    with pytest.raises(StartFailedError, match="app exited with code 1; gave up after 3 attempts"):
        await supervisor.start(broken)
    assert said.lines.count("app       | no such thing") == 3


async def test_a_part_that_is_never_ready_is_ended(supervisor: Supervisor, said: Said) -> None:
    async def never() -> bool:
        return False

    slow = Command(
        "app",
        [sys.executable, "-c", STUBBORN],
        cwd=ROOT,
        environ=os.environ,
        is_ready=never,
        ready_seconds=0.5,
        grace_seconds=0.05,
    )
    with pytest.raises(StartFailedError, match=r"app failed: app was not ready after 0\.5 s; gave up"):
        await supervisor.start(slow)
    pids = [int(pid) for line in said.lines if "pids" in line for pid in line.split()[-2:]]
    assert pids
    assert gone(pids)


async def test_the_last_started_is_stopped_first(supervisor: Supervisor, said: Said) -> None:
    for name in ("first", "second", "third"):
        await supervisor.start(part(name, POLITE))
    await said.until(lambda line: line.endswith("| up"), count=3)
    await supervisor.stop()
    byes = [line.split()[0] for line in said.lines if line.endswith("| bye")]
    assert byes == ["third", "second", "first"]


async def test_a_part_that_ignores_the_request_is_killed_with_its_children(said: Said) -> None:
    supervisor = Supervisor(said)
    await supervisor.start(part("stubborn", STUBBORN, grace_seconds=0.1))
    (line,) = await said.until(lambda line: "pids" in line)
    await supervisor.stop()
    assert gone([int(pid) for pid in line.split()[-2:]])


async def test_a_second_request_takes_away_the_grace(said: Said) -> None:
    supervisor = Supervisor(said)
    await supervisor.start(part("stubborn", STUBBORN, grace_seconds=3600))
    (line,) = await said.until(lambda line: "pids" in line)
    supervisor.request_stop()
    stopped = asyncio.create_task(supervisor.stop())
    await said.until(lambda line: line == "stopping stubborn")
    supervisor.request_stop()
    async with asyncio.timeout(20):
        await stopped
    assert gone([int(pid) for pid in line.split()[-2:]])


async def test_children_of_a_part_that_died_do_not_stay(supervisor: Supervisor, said: Said) -> None:
    worker = part("worker", STUBBORN)
    await supervisor.start(worker)
    (line,) = await said.until(lambda line: "pids" in line)
    os.kill(worker.pids()[0], signal.SIGKILL)
    await said.until(lambda line: "exited with code -9" in line)
    assert gone([int(line.split()[-1])])


OWNER = f"""
import asyncio, os, sys
from pathlib import Path
from cursor_monitor.runtime.parts import Command
from cursor_monitor.runtime.supervisor import Supervisor

async def main():
    supervisor = Supervisor(lambda line: print(line, flush=True))
    part = Command("worker", [sys.executable, "-c", {STAYS!r}], cwd=Path.cwd(), environ=os.environ)
    await supervisor.start(part)
    print("pid", part.pids()[0], flush=True)
    await supervisor.wait_for_stop()

asyncio.run(main())
"""


def test_parts_end_with_a_supervisor_that_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        pid = next(int(line.split()[1]) for line in owner.stdout if line.startswith("pid"))
        owner.kill()
    assert gone([pid])
