"""The embedded Postgres: starts, survives every kind of end, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from cursor_monitor.store import embedded
from cursor_monitor.store.embedded import EmbeddedPostgres, EmbeddedPostgresError

FAST = {"fsync": "off"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path / "pg", FAST)
    yield made
    made.stop()


def ask(url: str, sql: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def servers_on(server: EmbeddedPostgres) -> list[psutil.Process]:
    return list(embedded._servers_on(server.files))


def test_data_outlives_a_stop_and_a_kill(server: EmbeddedPostgres) -> None:
    ask(server.start(), "create table kept as select 42 as n")
    server.stop()
    assert not server.is_alive()
    assert servers_on(server) == []
    url = server.start()
    assert ask(url, "select n from kept") == 42
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert not server.is_alive()
    assert ask(server.start(), "select n from kept") == 42


def test_a_stale_pid_file_that_names_a_stranger_does_not_stop_the_start(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.files / "postmaster.pid").write_text(f"{os.getpid()}\n{server.files}\n1\n5432\n\n\n\nready\n")
    assert ask(server.start(), "select 1") == 1


def test_an_interrupted_initdb_is_begun_again(server: EmbeddedPostgres) -> None:
    half = server.data_dir / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert ask(server.start(), "select 1") == 1


def test_a_folder_is_used_by_one_server_at_a_time(server: EmbeddedPostgres) -> None:
    server.start()
    with pytest.raises(EmbeddedPostgresError, match="in use by another process"):
        EmbeddedPostgres(server.data_dir, FAST).start()
    assert ask(server.url, "select 1") == 1


def test_a_deep_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e f%" * 15)
    with embedded.running(deep, **FAST) as url:
        assert ask(url, "select 1") == 1
        assert "%25" not in url


def test_a_setting_reaches_the_server_and_it_does_not_listen_on_the_network(tmp_path: Path) -> None:
    with embedded.running(tmp_path / "pg", fsync="off", work_mem="7MB") as url:
        assert ask(url, "show work_mem") == "7MB"
        assert ask(url, "show listen_addresses") == ""
        assert ask(url, "show timezone") == "UTC"


def test_a_wrong_setting_is_reported_with_what_the_server_said(server: EmbeddedPostgres) -> None:
    server.settings["work_mem"] = "lots"
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)ended with code.*work_mem"):
        server.start()
    server.settings.pop("work_mem")
    assert ask(server.start(), "select 1") == 1


OWNER = """
import sys
from pathlib import Path
from cursor_monitor.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off"})
print(server.start(), flush=True)
sys.stdin.read()
"""


def test_the_server_ends_with_an_owner_that_is_killed(server: EmbeddedPostgres) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(server.data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        ask(url, "create table kept as select 7 as n")
        left = servers_on(server)
        assert left
        os.kill(owner.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(left, timeout=20)
    assert (len(gone), alive) == (len(left), [])
    assert ask(server.start(), "select n from kept") == 7
