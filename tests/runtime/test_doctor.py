"""What the doctor says of work that nobody does, and of each way in which a database is not reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursor_monitor.runtime import doctor
from cursor_monitor.services import agents
from cursor_monitor.settings import Settings
from cursor_monitor.store.embedded import EmbeddedPostgres
from tests.support.postgres import ask

ALIVE = (
    "INSERT INTO service_health_events (service, instance, kind, details)"
    """ VALUES ('worker', 'w-1', 'heartbeat', '{"interval_seconds": 15}')"""
)


def finding(url: str, name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> doctor.Finding:
    monkeypatch.setattr("cursor_monitor.runtime.product.is_up", lambda address: True)
    settings = Settings(database_url=url, data_dir=folder)
    return next(found for found in doctor.examine(settings) if found.name == name)


def test_who_does_the_work_is_told(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    agents.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    alone = finding(database, "work", monkeypatch, tmp_path)
    assert (alone.ok, alone.detail.split(".")[0]) == (False, "No worker has ever reported")
    assert "docker compose up -d worker" in alone.mend
    ask(database, ALIVE)
    assert finding(database, "work", monkeypatch, tmp_path).detail == "1 online. 1 jobs due or running."
    ask(database, "UPDATE orchestration_outbox_jobs SET next_run_at = now() - interval '2 min'")
    late = finding(database, "work", monkeypatch, tmp_path)
    assert (late.ok, "has waited 120 s" in late.detail, "WORKER_CONCURRENCY" in late.mend) == (False, True, True)


def test_a_database_that_refuses_is_told_with_its_mend(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = finding(f"{server.url}&sslmode=require&user=nobody", "database", monkeypatch, tmp_path)
    assert not refused.ok
    unknown = finding("postgresql://u:hunter2@no-such-host.invalid/x", "database", monkeypatch, tmp_path)
    assert (unknown.ok, "names can be looked up" in unknown.mend) == (False, True)
    assert "hunter2" not in unknown.detail
