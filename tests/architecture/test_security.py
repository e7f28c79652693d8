"""The document on security shows who is let in where as the program itself decides it."""

from __future__ import annotations

import re

from scripts.security_doc import DOCUMENT, ROOT, render


def test_the_tables_of_roles_are_what_the_program_goes_by() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert render(text) == text, "run `.venv/bin/python -m scripts.security_doc`"


def test_each_trap_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "traps.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text()] == []


def test_they_show_what_was_decided() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "| `users` | admin | admin |" in text
    assert "| `orchestrations` | viewer | operator |" in text
    assert "| `webhook` | – | everybody |" in text
    assert "| `/audit` | admin |" in text
