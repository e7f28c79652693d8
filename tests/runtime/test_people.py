"""`cursor-monitor users`, as whoever has the machine uses it."""

from __future__ import annotations

import io
import json
import sys

import pytest

from cursor_monitor import cli
from cursor_monitor.services import auth
from cursor_monitor.services.auth import Visitor
from cursor_monitor.services.startup import open_all
from cursor_monitor.settings import Settings
from tests.support.postgres import ask

PASSWORD = "seven blue kettles sing"


def test_people_are_added_changed_and_listed(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database)

    def users(*words: str, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = cli.main(["users", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    assert users("list") == (0, "nobody yet\n")
    assert users("add", "ada@example.com", "--role", "admin", typed=f"{PASSWORD}\n")[0] == 0
    code, said = users("add", "bob@example.com", typed="short\n")
    assert (code, said.startswith("cursor-monitor: password: must have 12 to 200 characters")) == (2, True)
    assert users("add", "bob@example.com", typed=f"{PASSWORD}\n")[0] == 0
    assert users("role", "bob@example.com", "operator") == (0, "bob@example.com now has the role operator\n")
    assert users("disable", "ada@example.com")[1].startswith("cursor-monitor: Somebody must be an administrator")
    assert users("disable", "eve@example.com") == (1, "cursor-monitor: There is no user eve@example.com.\n")
    assert users("password", "bob@example.com", typed="eleven green lamps hum\n")[0] == 0
    listed = json.loads(users("list", "--json")[1])
    assert [(user["email"], user["role"]) for user in listed] == [
        ("ada@example.com", "admin"),
        ("bob@example.com", "operator"),
    ]
    open_all(Settings(database_url=database))
    assert auth.sign_in("bob@example.com", "eleven green lamps hum", Visitor())
    assert ask(database, "SELECT DISTINCT actor FROM audit_log WHERE action = 'user added'") == [("command line",)]
