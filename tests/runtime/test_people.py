"""`cursor-monitor users` and `tokens`, as whoever has the machine uses them."""

from __future__ import annotations

import io
import json
import sys

import pytest

from cursor_monitor import cli
from cursor_monitor.services import auth
from cursor_monitor.services.auth import Visitor
from cursor_monitor.services.identities import forget_identities, identify_token
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


def test_a_token_is_printed_once_works_and_is_revoked(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database)
    assert cli.main(["tokens", "add", "prometheus", "--days", "7"]) == 0
    token = capsys.readouterr().out.strip()
    open_all(Settings(database_url=database))
    found = identify_token(token)
    assert found is not None
    assert (str(found.role), found.name) == ("viewer", "command line")
    assert cli.main(["tokens", "list", "--json"]) == 0
    told = capsys.readouterr().out
    [listed] = json.loads(told)
    assert (listed["name"], token in told) == ("prometheus", False)
    assert cli.main(["tokens", "add", "x", "--days", "999"]) == 2
    assert cli.main(["tokens", "revoke", listed["id"]]) == 0
    assert cli.main(["tokens", "revoke", listed["id"]]) == 1
    open_all(Settings(database_url=database))
    forget_identities()
    assert identify_token(token) is None
