"""The command line on bad days: one clear line, no traceback, an exit code that means something."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cursor_monitor.runtime.run_file import AlreadyRunningError, RunFile
from cursor_monitor.store import embedded

ROOT = Path(__file__).resolve().parents[2]


def run(tmp_path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    # Set, though empty: a variable of the environment wins over a developer's own .env.
    unset = dict.fromkeys(("CURSOR_API_KEY", "DATABASE_URL", "SUPABASE_DB_URL", "REDIS_HOST", "HOST"), "")
    command = [sys.executable, "-m", "cursor_monitor.cli", *arguments]
    environ = {**clean, **unset, "DATA_DIR": str(tmp_path / "data"), **environ}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.startswith("cursor-monitor: ")
    return done.stderr.removeprefix("cursor-monitor: ").rstrip("\n")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def test_help_is_quick_and_lists_the_commands(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for name in ("up", "app", "worker", "simulator", "migrate", "doctor", "status", "launch", "watch", "export"):
        assert f"\n    {name}" in done.stdout
    loaded = "import sys, cursor_monitor.cli as c; c._parser(); print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", loaded], cwd=ROOT, text=True).split()
    assert not {"reflex", "sqlalchemy", "psycopg", "httpx", "psutil", "asyncio"} & set(modules)


def test_a_wrong_variable_stops_every_command(tmp_path: Path) -> None:
    for command in ("up", "app", "worker", "doctor"):
        done = run(tmp_path, command, PORT="many")
        assert done.returncode == 2
        assert complaint(done).startswith("PORT: must be a whole number from 1 to 65535, not 'many'; example: PORT=")


def test_an_unknown_command_is_a_wrong_use(tmp_path: Path) -> None:
    assert run(tmp_path, "fly").returncode == 2


def test_a_taken_port_is_named_with_another(tmp_path: Path, taken: int) -> None:
    done = run(tmp_path, "up", PORT=str(taken))
    assert done.returncode == 3
    assert complaint(done) == (
        f"port {taken} of 127.0.0.1 cannot be used: another program is using it. Choose another, as in PORT={taken + 1}"
    )


def test_a_taken_port_of_the_simulator_is_named(tmp_path: Path, taken: int, free: str) -> None:
    done = run(tmp_path, "up", PORT=free, SIMULATOR_PORT=str(taken))
    assert done.returncode == 3
    assert complaint(done).endswith(f"Choose another, as in SIMULATOR_PORT={taken + 1}")


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "up", DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 3
    assert complaint(done).startswith(f"the data folder {tmp_path}/file/data cannot be written (Not a directory): ")


def test_a_password_of_the_administrator_that_is_too_short_stops_the_start(tmp_path: Path) -> None:
    done = run(tmp_path, "up", HOST="0.0.0.0", ADMIN_EMAIL="ada@example.com", ADMIN_PASSWORD="hunter2")
    assert done.returncode == 2
    assert complaint(done).startswith("ADMIN_PASSWORD: must have at least 12 characters")
    assert "hunter2" not in done.stderr


def test_a_second_start_on_the_same_folder_is_refused(tmp_path: Path, free: str) -> None:
    (tmp_path / "data").mkdir()
    first = RunFile(tmp_path / "data")
    first.take("http://localhost:3000")
    try:
        done = run(tmp_path, "up", PORT=free)
    finally:
        first.release()
    assert done.returncode == 3
    assert complaint(done).startswith(
        f"Cursor Monitor already runs on {tmp_path}/data (process {os.getpid()}, http://localhost:3000): stop it"
    )


def test_the_next_start_ends_what_a_killed_one_left(tmp_path: Path) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    try:
        born = psutil.Process(left.pid).create_time()
        # The second number has meanwhile been given to a stranger.
        (tmp_path / "run.json").write_text(json.dumps({"processes": [[left.pid, born], [other.pid, born - 1000]]}))
        file = RunFile(tmp_path)
        file.take("http://localhost:3000")
        file.release()
        assert left.wait(10) is not None
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


def test_a_part_alone_needs_a_database(tmp_path: Path) -> None:
    done = run(tmp_path, "worker", CURSOR_API_KEY="key")
    assert done.returncode == 3
    assert complaint(done).startswith("DATABASE_URL is not set: ")


def test_migrate_applies_the_schema_and_says_so(tmp_path: Path) -> None:
    with embedded.running(tmp_path / "pg", fsync="off") as url:
        for _ in range(2):
            done = run(tmp_path, "migrate", "--json", DATABASE_URL=url)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["schema_version"] >= 1


def test_migrate_without_a_database_says_why(tmp_path: Path, free: str) -> None:
    done = run(tmp_path, "migrate", DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{free}/x")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_status_of_what_does_not_run(tmp_path: Path, free: str) -> None:
    done = run(tmp_path, "status", "--json", PORT=free)
    assert (done.returncode, json.loads(done.stdout)) == (1, {"status": "not running"})


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    return {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_doctor_finds_everything_well(tmp_path: Path, free: str) -> None:
    with embedded.running(tmp_path / "pg", fsync="off") as url:
        assert run(tmp_path, "migrate", DATABASE_URL=url).returncode == 0
        done = run(tmp_path, "doctor", "--json", DATABASE_URL=url, PORT=free, SIMULATOR_PORT=free)
    assert done.returncode == 0, done.stdout
    assert {"database", "schema", "listen", "clock", "port", "data folder", "cursor"} <= set(findings(done))


def test_doctor_says_how_to_mend_each_fault(tmp_path: Path, taken: int, free: str) -> None:
    dead = f"127.0.0.1:{free}"
    done = run(
        tmp_path,
        "doctor",
        "--json",
        DATABASE_URL=f"postgresql://u:hunter2@{dead}/x",
        PORT=str(taken),
        REDIS_HOST="127.0.0.1",
        REDIS_PORT=free,
        CURSOR_API_KEY="hunter2",
        CURSOR_API_URL=f"http://{dead}",
    )
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr
    wrong = {name: str(finding["mend"]) for name, finding in findings(done).items() if not finding["ok"]}
    assert set(wrong) == {"database", "schema", "listen", "clock", "port", "redis", "cursor"}
    assert all(wrong.values())
    assert "DATABASE_URL" in wrong["database"]
    assert "CURSOR_API_KEY" in wrong["cursor"]


def test_doctor_knows_a_database_without_schema(tmp_path: Path, free: str) -> None:
    with embedded.running(tmp_path / "pg", fsync="off") as url:
        done = run(tmp_path, "doctor", DATABASE_URL=url, PORT=free, SIMULATOR_PORT=free)
    assert done.returncode == 1
    assert "FAIL  schema: is at version None" in done.stdout
    assert "to mend it: run `cursor-monitor migrate`" in done.stdout


OWNER = """
import sys
from pathlib import Path
from cursor_monitor.runtime.run_file import RunFile
file = RunFile(Path(sys.argv[1]))
file.take("http://localhost:3000")
print("taken", flush=True)
sys.stdin.read()
"""


def test_a_killed_owner_gives_the_folder_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "taken\n"
        with pytest.raises(AlreadyRunningError):
            RunFile(tmp_path).take("http://localhost:3000")
        owner.kill()
    file = RunFile(tmp_path)
    file.take("http://localhost:3000")
    file.release()
