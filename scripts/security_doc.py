"""Writes the tables of docs/security.md from what the program itself goes by: `python -m scripts.security_doc`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from reflex.state import BaseState, State
from reflex_base.utils.format import format_event_handler

from cursor_monitor import pages, routes
from cursor_monitor.api import build_api
from cursor_monitor.api.permissions import API, READING, role_for
from cursor_monitor.domain.access import Role
from cursor_monitor.state.permissions import role_for_event, short_name

__all__ = ["pages"]  # importing them registers their states
ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "security.md"
_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ORDER = ["everybody", *Role]


def render(text: str) -> str:
    """The document with its tables as they have to be."""
    tables = {"routes": _routes(), "pages": _pages(), "handlers": _handlers()}
    return _BLOCK.sub(lambda found: found[1] + tables[found[2]] + found[3], text)


def _routes() -> str:
    reads: dict[str, set[str]] = defaultdict(set)
    changes: dict[str, set[str]] = defaultdict(set)
    for path, operations in build_api().openapi()["paths"].items():
        part = f"/api{path}".removeprefix(f"{API}/").partition("/")[0]
        for method in operations:
            found = role_for(method.upper(), f"/api{path}")
            (reads if method.upper() in READING else changes)[part].add(str(found or "everybody"))
    rows = [(f"`{part}`", _words(reads[part]), _words(changes[part])) for part in sorted({*reads, *changes})]
    return _table(("Routes", "Reading", "Changing"), rows)


def _pages() -> str:
    pages = sorted({value for name, value in vars(routes).items() if name.isupper() and value != routes.API})
    return _table(("Page", "Role"), [(f"`{page}`", str(role_for("GET", page) or "everybody")) for page in pages])


def _handlers() -> str:
    roles: dict[str, set[str]] = defaultdict(set)
    for event in _events():
        # Reflex adds a setter of any field to every state; only administrators may call it, and nothing here does.
        if short_name(event).endswith(".setvar"):
            continue
        roles[short_name(event).partition(".")[0]].add(str(role_for_event(event)))
    return _table(("State", "Its handlers ask for"), [(f"`{name}`", _words(roles[name])) for name in sorted(roles)])


def _events() -> Iterator[str]:
    def walk(kind: type[BaseState]) -> Iterator[type[BaseState]]:
        yield kind
        for sub in kind.get_substates():
            yield from walk(kind.get_class_substate((sub,)) if isinstance(sub, str) else sub)

    for kind in walk(State):
        yield from (format_event_handler(handler) for handler in kind.event_handlers.values())


def _words(roles: set[str]) -> str:
    return ", ".join(sorted(roles, key=_ORDER.index)) or "–"


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
