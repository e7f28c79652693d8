"""Accounts from the command line: rotation of the master key, and what doctor says of each key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cursor_monitor.services import accounts
from cursor_monitor.services.clients import open_key
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from tests.support.postgres import ask_one
from tests.support.processes import Simulator

ROOT = Path(__file__).resolve().parents[3]
KEY = "crsr_command_00112233445566"


@pytest.fixture
def settings(database: str, simulator: Simulator, tmp_path: Path) -> Iterator[Settings]:
    close_all()
    made = Settings(database_url=database, cursor_api_url=simulator.url, data_dir=tmp_path)
    open_all(made)
    yield made
    close_all()


def run(settings: Settings, *arguments: str) -> tuple[int, dict[str, Any]]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = {
        **kept,
        **dict.fromkeys(("SUPABASE_DB_URL", "REDIS_HOST", "HOST"), ""),
        "DATABASE_URL": settings.database_url or "",
        "DATA_DIR": str(settings.data_dir),
        "CURSOR_API_KEY": "crsr_environment_0011223344",
        "CURSOR_API_URL": settings.cursor_api_url,
    }
    command = [sys.executable, "-m", "cursor_monitor.cli", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert KEY not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def finding(settings: Settings) -> dict[str, Any]:
    _, said = run(settings, "doctor")
    return next(one for one in said["findings"] if one["name"] == "account team-a")


def test_the_master_key_is_rotated_by_the_command(settings: Settings, database: str) -> None:
    made = accounts.create({"name": "team-a", "key": KEY}, by="test")
    query = "SELECT key_sealed FROM cursor_accounts WHERE id = %s"
    before, file = ask_one(database, query, (made,)), settings.data_dir / "secret.key"
    first = file.read_text()
    assert run(settings, "secrets", "rotate") == (0, {"resealed": 1})
    after = ask_one(database, query, (made,))
    assert (after != before, file.read_text() != first, open_key(made, after)) == (True, True, KEY)


def test_doctor_asks_about_each_account(settings: Settings, simulator: Simulator) -> None:
    accounts.create({"name": "team-a", "key": KEY}, by="test")
    assert finding(settings)["ok"]
    simulator.trouble(KEY, "no_plan")
    wrong = finding(settings)
    assert (wrong["ok"], "plan_required" in wrong["detail"]) == (False, True)
    assert "have the plan changed" in wrong["mend"]
    (settings.data_dir / "secret.key").unlink()
    assert "put the former master key back" in finding(settings)["mend"]
