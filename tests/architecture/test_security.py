"""The document on security shows who is let in where as the program itself decides it."""

from __future__ import annotations

from scripts.security_doc import DOCUMENT, render


def test_the_tables_of_roles_are_what_the_program_goes_by() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert render(text) == text, "run `.venv/bin/python -m scripts.security_doc`"


def test_they_show_what_was_decided() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "| `users` | admin | admin |" in text
    assert "| `orchestrations` | viewer | operator |" in text
    assert "| `webhook` | – | everybody |" in text
    assert "| `/audit` | admin |" in text
