"""Bad days of the machine around a worker: a wrong clock, a frozen process, a full disk. Effects are counted."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.domain.jobs import JobKind, NewJob
from cursor_monitor.services.startup import open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store import jobs
from cursor_monitor.store.database import transaction
from tests.support.postgres import ask, ask_one
from tests.support.processes import Process
from tests.support.waiting import eventually

ENVIRON = {"CURSOR_API_URL": "http://127.0.0.1:9", "LEASE_SECONDS": "1", "HEARTBEAT_SECONDS": "1"}
JOBS = 6
DISK = "24m"


def worker(url: str, log: Path, module: str = "phases", **environ: str) -> Process:
    """The product's worker with a handler that leaves an effect."""
    given = {**ENVIRON, "TEST_PHASE": "", "DATABASE_URL": url, **environ}
    return Process(f"tests.support.{module}", given, log)


def enqueue(count: int, **fields: Any) -> None:
    with transaction() as session:
        jobs.enqueue(session, [NewJob(JobKind.ADVANCE, max_attempts=5, **fields) for _ in range(count)])


def completed(url: str) -> int:
    return ask_one(url, "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'completed'")


def test_whose_clock_is_set_wrong_neither_starts_early_nor_loses_a_lease(database: str, tmp_path: Path) -> None:
    ask(database, "CREATE TABLE effects (attempt int)")
    skews = ("3600", "-3600")
    wrong = [worker(database, tmp_path / skew, "skewed", TEST_SKEW=skew, TEST_PHASE="slow") for skew in skews]
    try:
        for one in wrong:
            one.says("worker ready")
            one.child.send_signal(signal.SIGUSR1)
        enqueue(JOBS, run_at=datetime.now(UTC) + timedelta(seconds=0.5))
        eventually(lambda: completed(database) == JOBS, 10)
        beats = (
            "SELECT count(DISTINCT instance) FROM service_health_events WHERE created_at > %s AND kind = 'heartbeat'"
        )
        now = ask_one(database, "SELECT clock_timestamp()")
        eventually(lambda: ask_one(database, beats, (now,)) == len(skews), 5)
    finally:
        for one in wrong:
            one.kill()
    early = "SELECT count(*) FROM orchestration_outbox_jobs WHERE claimed_at < next_run_at OR claimed_at > finished_at"
    assert ask_one(database, early) == 0
    assert ask(database, "SELECT attempt, count(*)::int FROM effects GROUP BY 1") == [(1, JOBS)]


def test_who_returns_late_writes_nothing(database: str, tmp_path: Path) -> None:
    ask(database, "CREATE TABLE effects (attempt int)")
    late = worker(database, tmp_path / "late", TEST_PHASE="late")
    others: list[Process] = []
    try:
        enqueue(1)
        eventually(lambda: _is_stopped(late.child.pid))
        others.append(worker(database, tmp_path / "other"))
        eventually(lambda: completed(database) == 1)
        late.child.send_signal(signal.SIGCONT)
        late.says("handler returns late")
        assert late.terminate() == 0
    finally:
        for one in (late, *others):
            one.kill()
    found = "SELECT status, attempts, errors FROM orchestration_outbox_jobs WHERE kind = 'advance'"
    ((status, attempts, errors),) = ask(database, found)
    assert (status, attempts, [error["error"] for error in errors]) == ("completed", 2, ["the lease ran out"])
    assert ask(database, "SELECT attempt FROM effects ORDER BY 1") == [(1,), (2,)]


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"


@pytest.fixture
def small_disk(database: str) -> Iterator[str]:
    """The URL of a database of its own on a disk of a few megabytes."""
    folder = Path(tempfile.mkdtemp(prefix="cmt-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "none", folder]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root can mount a disk for it")
    try:
        place = folder / "space"
        place.mkdir()
        owner = Path(str(conninfo_to_dict(database)["host"])).stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        folder.chmod(0o755)
        yield from _on(place, database)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def _on(place: Path, url: str) -> Iterator[str]:
    small = url.replace(str(conninfo_to_dict(url)["dbname"]), "small")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(place)))
    try:
        ask(url, "CREATE DATABASE small TEMPLATE template_test TABLESPACE small")
        open_all(Settings(database_url=small))
        yield small
    finally:
        open_all(Settings(database_url=url))
        ask(url, "DROP DATABASE IF EXISTS small WITH (FORCE)")
        ask(url, "DROP TABLESPACE small")


def test_a_full_disk_is_waited_out(small_disk: str, tmp_path: Path) -> None:
    ask(small_disk, "CREATE TABLE effects (attempt int)")
    ask(small_disk, "CREATE TABLE ballast (filler text)")
    enqueue(JOBS)
    _fill(small_disk)
    with pytest.raises(Unavailable, match="The disk of the database is full"):
        _enqueue_for_ever()
    before = ask_one(small_disk, "SELECT count(*) FROM orchestration_outbox_live")
    running = worker(small_disk, tmp_path / "worker", WORKER_CONCURRENCY="100")
    try:
        running.says("the database is out")
        ask(small_disk, "DROP TABLE ballast")
        eventually(lambda: completed(small_disk) == before, 40)
        assert "The disk of the database is full" in running.log
        assert running.terminate() == 0
    finally:
        running.kill()
    # At least once: what could not be settled for want of room was done again.
    assert ask_one(small_disk, "SELECT count(*) FROM effects") >= before


def _enqueue_for_ever() -> None:
    while True:
        enqueue(1000)


def _fill(url: str) -> None:
    for size in (1000, 100, 1):
        try:
            for _ in range(10_000):
                ask(url, "INSERT INTO ballast SELECT repeat(md5(n::text), 60) FROM generate_series(1, %s) n", (size,))
        except psycopg.errors.DiskFull:
            continue
