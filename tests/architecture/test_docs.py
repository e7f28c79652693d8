"""docs/configuration.md: every variable with its default, and none that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cursor_monitor.runtime.dotenv import read_env_file
from cursor_monitor.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
EXAMPLE = read_env_file(ROOT / ".env.example")
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]*)` \| (?:`([^`]+)`|none) \| .+ \|$", re.MULTILINE)
NAME = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|HOST|PORT)\b")
PLACEHOLDERS = {"NAME_FILE"}


class Recorder(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def names_read() -> set[str]:
    recorder = Recorder()
    load_settings(recorder)
    return {name for name in recorder.asked if not name.endswith("_FILE")}


def names_of_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def documented() -> list[tuple[str, str]]:
    return [(match[1], match[2] or "") for match in ROW.finditer(DOCS)]


def test_each_variable_is_documented_once_and_no_other() -> None:
    assert sorted(name for name, _ in documented()) == sorted(names_read() | EXAMPLE.keys())


@pytest.mark.parametrize(("name", "default"), documented())
def test_a_documented_default_is_that_of_the_example(name: str, default: str) -> None:
    assert EXAMPLE[name] == default


@pytest.mark.parametrize("name", sorted(names_read()))
def test_a_documented_default_changes_nothing(name: str) -> None:
    assert load_settings({name: dict(documented())[name]}) == load_settings({})


def test_the_text_names_only_variables_that_exist() -> None:
    assert set(NAME.findall(DOCS)) - PLACEHOLDERS <= names_read() | names_of_compose()
