"""Backup and restore: the same rows in another database, and nothing at all from a file that is not whole."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from cursor_monitor import cli
from cursor_monitor.domain.access import LOCAL
from cursor_monitor.runtime import backup
from cursor_monitor.services import orchestrations, users
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from cursor_monitor.store.backup import BackupError
from cursor_monitor.store.embedded import EmbeddedPostgres
from cursor_monitor.store.schema import migrate
from tests.support import postgres
from tests.support.old_databases import load
from tests.support.postgres import ask_one

PASSPHRASE = "four brown clocks whistle"


def unasked() -> str:
    raise AssertionError("nobody should be asked")


@pytest.fixture
def make_empty(server: EmbeddedPostgres) -> Iterator[Callable[[], str]]:
    """Makes databases without any schema."""
    made: list[str] = []

    def one() -> str:
        made.append(postgres.make_database(server, template="template0"))
        return made[-1]

    yield one
    for url in made:
        postgres.drop_database(server, url)


@pytest.fixture
def full(make_empty: Callable[[], str]) -> Iterator[str]:
    """A database with a history: work of an earlier version, people, something new and unusual characters."""
    url = make_empty()
    load(url, 2)
    migrate(url)
    open_all(Settings(database_url=url))
    with acting_as(LOCAL):
        users.add_user("ada@example.com", "Ada \\ Ünï\t\N{PILE OF POO}", "admin", "seven blue kettles sing")
        orchestrations.launch({"prompt": "Tab\tback\\slash\nline.", "repository": "acme/web"}, by="local")
    yield url
    close_all()


def is_bare(url: str) -> bool:
    return ask_one(url, "SELECT to_regclass('orchestrations') IS NULL")


def test_a_backup_is_the_same_rows_in_another_database(
    full: str, make_empty: Callable[[], str], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.backup", tmp_path / "second.backup"
    made = backup.make(full, first)
    assert made["tables"]["orchestrations"]["rows"] >= 2
    assert made["tables"]["orchestration_events"]["rows"] > 10
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [first]
    other = make_empty()
    assert backup.restore(other, first, unasked) == made == backup.verify(first, unasked)
    again = backup.make(other, second)
    assert again["tables"] == made["tables"]
    assert again["sequences"] == made["sequences"]
    open_all(Settings(database_url=other))
    with acting_as(LOCAL):
        assert orchestrations.launch({"prompt": "It goes on.", "repository": "acme/web"}, by="local")
    with pytest.raises(BackupError, match=r"the database is not empty: \w+ has rows"):
        backup.restore(other, first, unasked)


def damaged(whole: bytes) -> dict[str, bytes]:
    """The same file as bad days leave it."""
    middle = len(whole) // 2
    return {
        "cut in the middle": whole[:middle],
        "a byte changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "the head changed": whole.replace(b'"made_at": "2', b'"made_at": "1', 1),
        "cut at the end": whole[:-1],
        "more behind it": whole + b"x",
        "cut in the head": whole[:30],
        "empty": b"",
    }


@pytest.mark.parametrize("secret", [None, PASSPHRASE], ids=["plain", "encrypted"])
def test_a_file_that_is_not_whole_leaves_nothing_behind(
    full: str, make_empty: Callable[[], str], tmp_path: Path, secret: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, path, bad = make_empty(), tmp_path / "backup", tmp_path / "damaged"
    backup.make(full, path, secret)
    whole = path.read_bytes()
    assert (b"ada@example.com" in whole, b"argon2" in whole) == (False, False)
    for what, content in damaged(whole).items():
        bad.write_bytes(content)
        with pytest.raises(BackupError):
            backup.restore(other, bad, lambda: PASSPHRASE)
        assert is_bare(other), what
    with monkeypatch.context() as blind:
        blind.setattr(backup, "verify", lambda path, passphrase: None)
        bad.write_bytes(whole[:-100])
        with pytest.raises(BackupError, match="cut short or damaged"):
            backup.restore(other, bad, lambda: PASSPHRASE)
        assert is_bare(other)
    if secret:
        with pytest.raises(BackupError, match="passphrase is not right"):
            backup.restore(other, path, lambda: "another passphrase")


def test_a_backup_shows_one_moment(full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes in while it is made is not half in it."""
    copy_out = backup.store.copy_out
    late = "INSERT INTO users (id, email, name, role) VALUES (gen_random_uuid(), 'late@example.com', 'Late', 'viewer')"

    def slow(connection: psycopg.Connection[None], table: str, columns: list[str]) -> Iterator[bytes]:
        if table == "users":
            postgres.ask(full, late)
        yield from copy_out(connection, table, columns)

    monkeypatch.setattr(backup.store, "copy_out", slow)
    assert backup.make(full, tmp_path / "backup")["tables"]["users"]["rows"] == 1
    assert ask_one(full, "SELECT count(*) FROM users") == 2


def test_the_commands_say_what_they_did(
    full: str,
    make_empty: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, secret = str(tmp_path / "a.backup"), tmp_path / "secret"
    secret.write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL", full)
    assert cli.main(["backup", path, "--passphrase-file", str(secret)]) == 0
    assert " rows in " in capsys.readouterr().out
    assert cli.main(["backup", path]) == 2
    assert "is there already" in capsys.readouterr().err
    assert cli.main(["restore", path, "--passphrase-file", str(secret)]) == 1
    assert "the database is not empty" in capsys.readouterr().err
    assert cli.main(["restore", path, "--verify", "--passphrase-file", str(secret)]) == 0
    monkeypatch.setenv("DATABASE_URL", make_empty())
    assert cli.main(["restore", path, "--passphrase-file", str(secret)]) == 0
    assert cli.main(["restore", str(tmp_path / "none")]) == 1
    assert "No such file" in capsys.readouterr().err
