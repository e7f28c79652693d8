"""A structured prompt into parts: headings, numbered lists, check lists. Every character is in a part or shared.

Where it splits: under a heading such as "Tasks", else at the highest level with two headings that are not about
context, else at the top items of a numbered or check list. What is nested, fenced or between two items stays with the
item above it; what comes before the first, and after the last, is shared by all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from cursor_monitor.engine.plan_lines import ITEMS, Kind, Line, is_mostly_code, scan

_TASKS = re.compile(r"tasks?(?: list)?|steps|to-? ?dos?|subtasks|work (?:items|packages)|plan")
_CONTEXT = re.compile(
    r"context|background|overview|intro(?:duction)?|summary|goals?|objectives?|constraints?|notes?|rules|guidelines|"
    r"acceptance criteria|definition of done|references?|(?:code )?style|conventions|non-goals|(?:out of )?scope|"
    r"motivation|appendix|links|resources|environment|hints|examples?|glossary|about|description|assumptions|tech stack"
)
_ASIDE = re.compile(
    r"reproduc|to repro\b|acceptance criteria|constraints?:|rules:|expected|actual(?:ly)?:|for example", re.I
)
_NUMBERED = re.compile(r"(?:(task|step|phase|stage|part|milestone)[ \t]*)?#?(\d{1,9})[ \t]*(?:[.):\-–—]|$)[ \t]*", re.I)
_ORDERED_WORDS = frozenset({"step", "phase", "stage", "milestone"})


@dataclass(frozen=True, slots=True)
class Part:
    """One task's own text, `text[start:end]` of the prompt."""

    title: str
    start: int
    end: int
    line: int  # the number of its first line, from 1
    number: int  # what others may call it
    lines: tuple[Line, ...]
    is_step: bool = False  # its heading counts steps or phases


@dataclass(frozen=True, slots=True)
class Split:
    """The parts in order; what lies between and around them is shared by all."""

    text: str
    parts: tuple[Part, ...]
    done: frozenset[int] = frozenset()  # the numbers of items that were checked off already
    heading: str = ""  # of the list of tasks, where there is one

    @property
    def shared_spans(self) -> tuple[tuple[int, int], ...]:
        """The stretches of the prompt that belong to no part."""
        edges = [0, *[edge for part in self.parts for edge in (part.start, part.end)], len(self.text)]
        return tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b)

    @property
    def shared(self) -> str:
        """What every task is told."""
        return "".join(self.text[a:b] for a, b in self.shared_spans)

    def own(self, part: Part) -> str:
        """What only this task is told."""
        return self.text[part.start : part.end]


@dataclass(frozen=True, slots=True)
class _Found:
    starts: tuple[int, ...]  # the index of each part's first line
    ends: tuple[int, ...]


@lru_cache(maxsize=16)
def split_prompt(text: str, *, bullets: bool = False) -> Split | None:
    """The parts of a structured prompt, two at the least; None where it has no such structure.

    With `bullets`, plain bullet lists count too.
    """
    lines = scan(text)
    if is_mostly_code(lines):
        return None
    titled = next(
        (i for i, line in enumerate(lines) if line.kind is Kind.HEADING and _TASKS.fullmatch(_plain(line))), None
    )
    if titled is not None:
        region = range(titled + 1, _section_end(lines, titled))
        found = _headings(lines, region) or _list(lines, region, bullets=True)
        if found:
            return _made(text, lines, found, heading=lines[titled].title)
    whole = range(len(lines))
    found = _headings(lines, whole) or _list(lines, whole, bullets=bullets)
    return _made(text, lines, found) if found else None


def _plain(line: Line) -> str:
    return line.title.strip("*_`:# \t").lower()


def _section_end(lines: Sequence[Line], start: int) -> int:
    for index in range(start + 1, len(lines)):
        if lines[index].kind is Kind.HEADING and lines[index].level <= lines[start].level:
            return index
    return len(lines)


def _headings(lines: Sequence[Line], region: range) -> _Found | None:
    headings = [i for i in region if lines[i].kind is Kind.HEADING]
    for level in range(1, 7):
        at = [i for i in headings if lines[i].level == level and not _CONTEXT.fullmatch(_plain(lines[i]))]
        if len(at) > 1:
            return _Found(tuple(at), tuple(min(_section_end(lines, i), region.stop) for i in at))
    return None


def _list(lines: Sequence[Line], region: range, *, bullets: bool) -> _Found | None:
    top = [i for i in _outside_context(lines, region) if lines[i].kind in ITEMS and lines[i].level == 0]
    top = [i for i in top if lines[i].indent <= 3]
    for kind in (Kind.NUMBER, Kind.CHECK, Kind.BULLET) if bullets else (Kind.NUMBER, Kind.CHECK):
        at = [i for i in top if lines[i].kind is kind]
        if sum(not lines[i].is_done for i in at) > 1:
            ends = [_item_end(lines, i, stop, goes_on=True) for i, stop in pairwise(at)]
            ends.append(_item_end(lines, at[-1], region.stop, goes_on=False))
            return _Found(tuple(at), tuple(ends))
    return None


def _outside_context(lines: Sequence[Line], region: range) -> list[int]:
    """The lines that may begin a task: not under a heading about context, nor below "Steps to reproduce:"."""
    found: list[int] = []
    skipped_until, is_aside = 0, False
    for index in region:
        line = lines[index]
        if line.kind is Kind.HEADING and _CONTEXT.fullmatch(_plain(line)) and index >= skipped_until:
            skipped_until = _section_end(lines, index)
        if line.kind is Kind.HEADING or (line.kind is Kind.TEXT and line.indent < 2):
            is_aside = _ASIDE.search(line.text[-200:]) is not None
        if index >= skipped_until and not is_aside:
            found.append(index)
    return found


def _item_end(lines: Sequence[Line], start: int, stop: int, *, goes_on: bool) -> int:
    """Where an item ends: what is between two belongs to the first; the last ends at an unindented paragraph."""
    restarts = goes_on and (lines[stop].number or 1) <= (lines[start].number or 0)
    for index in range(start + 1, stop):
        line = lines[index]
        if line.kind is Kind.HEADING:
            return index
        is_plain = line.kind in (Kind.TEXT, Kind.RULE, Kind.TABLE) or line.opens_fence
        outside = is_plain and line.indent < 2 and lines[index - 1].kind is Kind.BLANK
        if (restarts or not goes_on) and outside:
            return index
    return stop


def _made(text: str, lines: Sequence[Line], found: _Found, heading: str = "") -> Split | None:
    open_at = [(i, end) for i, end in zip(found.starts, found.ends, strict=True) if not lines[i].is_done]
    numbers = _numbers([lines[i] for i in found.starts])
    by_line = dict(zip(found.starts, numbers, strict=True))
    parts = tuple(
        Part(
            title=_title(lines[i]),
            start=lines[i].start,
            end=lines[end - 1].end,
            line=i + 1,
            number=by_line[i],
            lines=tuple(lines[i:end]),
            is_step=_is_step(lines[i]),
        )
        for i, end in open_at
    )
    done = frozenset(number for i, number in by_line.items() if lines[i].is_done)
    return Split(text, parts, done, heading) if len(parts) > 1 else None


def _numbers(starts: Sequence[Line]) -> list[int]:
    written = [line.number if line.number is not None else _written_number(line) for line in starts]
    known = [number for number in written if number is not None]
    if len(known) == len(starts) and len(set(known)) == len(known):
        return known
    return list(range(1, len(starts) + 1))


def _written_number(line: Line) -> int | None:
    match = _NUMBERED.match(line.title)
    return int(match[2]) if match else None


def _is_step(line: Line) -> bool:
    match = _NUMBERED.match(line.title)
    return line.kind is Kind.HEADING and match is not None and (match[1] or "").lower() in _ORDERED_WORDS


def _title(line: Line) -> str:
    match = _NUMBERED.match(line.title) if line.kind is Kind.HEADING else None
    title = line.title[match.end() :] if match else line.title
    return (title or line.title).strip("*_`# \t").strip()
