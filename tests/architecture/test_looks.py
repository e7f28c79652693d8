"""One look for all: pages have no styles of their own, parts place only what the data places, colours are tokens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "cursor_monitor" / "pages").glob("*.py"))
PARTS = sorted((ROOT / "cursor_monitor" / "components").glob("*.py"))
LOOK_PROPS = {
    "style", "color", "background", "background_color", "padding", "margin", "border", "border_radius", "box_shadow",
    "font_size", "font_weight", "display", "gap", "align_items", "justify_content", "color_scheme",
}  # fmt: skip
LAYOUT = {
    "box",
    "flex",
    "hstack",
    "vstack",
    "stack",
    "center",
    "spacer",
    "grid",
    "container",
    "section",
    "card",
    "text",
}
FROM_DATA = {"left", "top", "width", "height"}


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def styles(path: Path) -> list[str]:
    """Every use of a look of its own in a file."""
    found = []
    for call in calls(path):
        found += [f"{path.name}:{call.lineno} {k.arg}=" for k in call.keywords if k.arg in LOOK_PROPS]
        match call.func:
            case ast.Attribute(value=ast.Name(id="rx"), attr=name) if name in LAYOUT:
                found.append(f"{path.name}:{call.lineno} rx.{name}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_no_styles_of_its_own(path: Path) -> None:
    assert styles(path) == []


def test_a_part_places_only_what_the_data_places() -> None:
    odd = []
    for path in PARTS:
        for call in calls(path):
            for keyword in call.keywords:
                if keyword.arg == "style":
                    keys = {k.value for k in getattr(keyword.value, "keys", []) if isinstance(k, ast.Constant)}
                    if not keys or not keys <= FROM_DATA:
                        odd.append(f"{path.name}:{call.lineno} {sorted(map(str, keys))}")
    assert odd == []


def test_the_rule_sees_what_breaks_it(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text('rx.box(rx.el.p("a", style={"color": "red"}), padding="4px")', encoding="utf-8")
    assert [one.partition(" ")[2] for one in styles(page)] == ["padding=", "rx.box", "style="]


def test_colours_come_from_the_scales() -> None:
    """White on the accent, black shadows and the print of a badge are the only literal ones."""
    sheet = (ROOT / "assets" / "styles.css").read_text(encoding="utf-8")
    literal = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"#palette-list|#needs", "", sheet)))
    assert literal <= {"#fff", "#000", "#21201c"}
