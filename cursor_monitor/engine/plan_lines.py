"""The lines of a prompt and what Markdown makes of each; together they are the prompt, character by character."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BACKTICKS = re.compile(r"(`{3,})[^`]*$")
_TILDES = re.compile(r"(~{3,})")
_HEADING = re.compile(r"(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{3,})[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_ITEM = re.compile(rf"[{_DIRECTIONS}]*(?:(\d{{1,9}})[.)]|[-*+])(?:[ \t]+|$)")
_BOX = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_CODE_LIKE = re.compile(
    r"(?:(?:def|class|import|from|return|const|let|var|function|public|private|static|package|func|fn|use|using|"
    r"if|for|while|else|elif|try|except|with|print|echo|export|SELECT|INSERT|CREATE)\b.*[({;:=\"'.]"
    r"|[)}\]];?$|#include\b|@\w+|\w[\w.]*\(.*\)?;?$|[\w.\[\]]+ *[+*/|-]?= *\S|\$ |</?\w+[^>]*>?$)"
)


class Kind(Enum):
    """What a line is."""

    BLANK = auto()
    TEXT = auto()
    HEADING = auto()
    NUMBER = auto()  # an item of a numbered list
    CHECK = auto()  # an item of a check list
    BULLET = auto()
    RULE = auto()
    CODE = auto()  # within a fence, its marks included
    TABLE = auto()


ITEMS = frozenset({Kind.NUMBER, Kind.CHECK, Kind.BULLET})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `text[start:end]` of the prompt, its end included."""

    start: int
    end: int
    text: str  # without the end of the line
    kind: Kind
    indent: int = 0
    level: int = 0  # of a heading: 1 to 6; of an item: how many items it is nested in
    number: int | None = None  # of a numbered item
    title: str = ""  # of a heading or an item, without its marks
    is_done: bool = False  # a checked box
    opens_fence: bool = False


def scan(text: str) -> list[Line]:
    """Every line of the text, in order."""
    lines: list[Line] = []
    fence: str | None = None
    for match in _LINE.finditer(text):
        bare = match[0].rstrip("\r\n")
        if fence is not None:
            lines.append(Line(match.start(), match.end(), bare, Kind.CODE, _indent(bare)))
            fence = None if _closes(bare, fence) else fence
            continue
        line = _line(bare, match.start(), match.end())
        fence = _opened(line.title if line.kind in ITEMS else bare)
        if fence is not None and line.kind not in ITEMS:
            line = replace(line, kind=Kind.CODE, opens_fence=True)
        lines.append(line)
    _mark_underlined(lines)
    _mark_tables(lines)
    _mark_nesting(lines)
    return lines


def is_mostly_code(lines: Sequence[Line]) -> bool:
    """True where the plain lines read like a program, whose comments are no headings."""
    plain = [line.text.strip() for line in lines if line.kind is Kind.TEXT]
    return len(plain) > 1 and 2 * sum(_CODE_LIKE.match(text[:200]) is not None for text in plain) > len(plain)


def _line(bare: str, start: int, end: int) -> Line:
    stripped = bare.strip()
    indent = _indent(bare)
    if not stripped:
        return Line(start, end, bare, Kind.BLANK)
    heading = _HEADING.match(stripped) if indent <= 3 else None
    if heading:
        title = stripped[heading.end() :].strip().rstrip("#").strip()
        return Line(start, end, bare, Kind.HEADING, indent, len(heading[1]), title=title)
    if _RULE.match(bare):
        return Line(start, end, bare, Kind.RULE, indent)
    item = _ITEM.match(stripped)
    if item is None:
        return Line(start, end, bare, Kind.TEXT, indent)
    rest = stripped[item.end() :]
    box = _BOX.match(rest)
    kind = Kind.NUMBER if item[1] else Kind.CHECK if box else Kind.BULLET
    return Line(
        start,
        end,
        bare,
        kind,
        indent,
        number=int(item[1]) if item[1] else None,
        title=rest[box.end() :] if box else rest,
        is_done=box is not None and box[1] != " ",
    )


def _indent(bare: str) -> int:
    blank = bare[: len(bare) - len(bare.lstrip(" \t"))]
    return len(blank.expandtabs(4))


def _opened(text: str) -> str | None:
    stripped = text.lstrip(" \t")
    match = _BACKTICKS.match(stripped) or _TILDES.match(stripped)
    return match[1] if match else None


def _closes(bare: str, fence: str) -> bool:
    mark = bare.strip()
    return len(mark) >= len(fence) and not mark.strip(fence[0])


def _mark_underlined(lines: list[Line]) -> None:
    for index in range(len(lines) - 1):
        line, below = lines[index], _UNDERLINE.match(lines[index + 1].text)
        alone = index == 0 or lines[index - 1].kind in (Kind.BLANK, Kind.HEADING)
        if alone and below and line.kind is Kind.TEXT and line.indent <= 3 and lines[index + 1].kind is not Kind.CODE:
            level = 1 if below[1][0] == "=" else 2
            lines[index] = replace(line, kind=Kind.HEADING, level=level, title=line.text.strip())
            lines[index + 1] = replace(lines[index + 1], kind=Kind.TEXT)


def _mark_tables(lines: list[Line]) -> None:
    index = 1
    while index < len(lines):
        if _rules_table(lines[index]) and "|" in lines[index - 1].text and lines[index - 1].kind is not Kind.CODE:
            index -= 1
            while index < len(lines) and "|" in lines[index].text and lines[index].kind is not Kind.CODE:
                lines[index] = replace(lines[index], kind=Kind.TABLE)
                index += 1
        index += 1


def _rules_table(line: Line) -> bool:
    return line.kind is not Kind.CODE and "|" in line.text and "-" in line.text and not line.text.strip(" \t|:-")


def _mark_nesting(lines: list[Line]) -> None:
    above: list[int] = []  # the indents of the items that are open
    after_blank = False
    for index, line in enumerate(lines):
        if line.kind is Kind.HEADING or (line.kind is Kind.TEXT and after_blank and line.indent < 2):
            above = []
        elif line.kind in ITEMS:
            while above and line.indent < above[-1] + 2:
                above.pop()
            lines[index] = replace(line, level=len(above))
            above.append(line.indent)
        after_blank = line.kind is Kind.BLANK
