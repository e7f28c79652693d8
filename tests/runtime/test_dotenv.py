"""The file .env."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursor_monitor.runtime.dotenv import read_env_file, with_env_file
from cursor_monitor.settings import SettingsError

TEXT = """
# a comment
PORT=3100
export HOST = 127.0.0.1
EMPTY=
SPACED="a b # c"   # said of it
SINGLE='$HOME "x"'
HASH=a#b
TRAILING=value # a comment
ESCAPED="a\\"b\\nc"
URL=postgresql://u:p%23@db:5432/x?sslmode=require
"""


def test_all_usual_forms_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(TEXT)
    assert read_env_file(tmp_path / ".env") == {
        "PORT": "3100",
        "HOST": "127.0.0.1",
        "EMPTY": "",
        "SPACED": "a b # c",
        "SINGLE": '$HOME "x"',
        "HASH": "a#b",
        "TRAILING": "value",
        "ESCAPED": 'a"b\nc',
        "URL": "postgresql://u:p%23@db:5432/x?sslmode=require",
    }


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1\nHOST=h\n")
    assert with_env_file({"PORT": "2", "REDIS_HOST": ""}, tmp_path / ".env") == {
        "PORT": "2",
        "HOST": "h",
        "REDIS_HOST": "",
    }


def test_no_file_is_no_variables(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}


@pytest.mark.parametrize("line", ["PORT", "1PORT=3", 'PORT="3', "a b=c", "PORT='3' 4"])
def test_a_wrong_line_is_named_without_its_text(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"# first\n{line}\n")
    with pytest.raises(
        SettingsError, match=r"^\.env line 2: must be NAME=value, with quotes closed; example: PORT=3000$"
    ):
        read_env_file(tmp_path / ".env")


def test_the_example_file_can_be_read() -> None:
    assert read_env_file(Path(__file__).resolve().parents[2] / ".env.example")["PORT"] == "3000"
