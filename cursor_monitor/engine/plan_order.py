"""From the parts of a prompt to tasks: their keys, and which waits for which.

PIPELINE: each after the one before. BATCH: none waits. AUTO: what `depends on:` says; else each after the one before
where the prompt says so (steps, "in this order"), or the one that begins with "then" or "finally"; else none waits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.orchestration import PlanTask
from cursor_monitor.domain.status import Mode
from cursor_monitor.engine.plan_check import find_cycle
from cursor_monitor.engine.plan_lines import Kind
from cursor_monitor.engine.plan_split import Part, Split

_WORDS = r"(?:depends[ _-]on|dependencies|blocked[ _-]by)"
_LINE = re.compile(rf"[\s>]*(?:[-*+][ \t]+)?[*_]{{0,3}}{_WORDS}[*_]{{0,3}}[ \t]*:[*_]{{0,3}}[ \t]*(\S.*)$", re.I)
_INLINE = re.compile(rf"[(\[]{_WORDS}[ \t]{{0,9}}:?[ \t]{{0,9}}([^)\]]{{1,500}})[)\]]", re.I)
_BETWEEN = re.compile(r"[,;&]|(?<=\s)and(?=\s)", re.I)
_CALLED = re.compile(r"(?:(?:task|step|phase|stage|part|milestone|item|no\.?)[ \t]*)?#?(\d{1,9})", re.I)
_NONE = frozenset({"none", "nothing", "-", "n/a", "no"})
_THEN = re.compile(r"(?:and )?(?:then[,:\s]|next[,:]|after (?:that|this)\b|afterwards\b|subsequently\b)", re.I)
_LAST = re.compile(r"(?:finally[,:\s]|lastly[,:\s])", re.I)
_IN_ORDER = re.compile(
    r"\b(?:in (?:this|that|the (?:given|following)) (?:order|sequence)|in order:|sequentially|step[- ]by[- ]step|"
    r"one after (?:another|the other)|one at a time|in sequence)",
    re.I,
)
_SLUG = re.compile(r"[^a-z0-9]+")


def order_parts(split: Split, mode: Mode, first_line: int = 1) -> tuple[PlanTask, ...]:
    """The tasks of a split prompt; raises Invalid naming the line where a dependency cannot be.

    `first_line` is the number of the prompt's first line in what was sent.
    """
    keys = _keys(split.parts)
    names = _Names(split, keys)
    waits: list[tuple[str, ...]] = []
    for index, part in enumerate(split.parts):
        said = _said(part, names, first_line)
        if said and mode is Mode.BATCH:
            line = first_line + part.line - 1
            raise Invalid("prompt", f"line {line}: tasks of a BATCH are independent; choose AUTO for `depends on:`")
        waits.append(_before(split, keys, index, mode, said, waits))
    _check_circle(split, keys, waits, first_line)
    return tuple(
        PlanTask(key=key, title=_short(part.title) or key, prompt=split.own(part), depends_on=depends_on)
        for part, key, depends_on in zip(split.parts, keys, waits, strict=True)
    )


def _before(
    split: Split,
    keys: Sequence[str],
    index: int,
    mode: Mode,
    said: tuple[str, ...] | None,
    waits: Sequence[tuple[str, ...]],
) -> tuple[str, ...]:
    previous = (keys[index - 1],) if index else ()
    if mode is Mode.PIPELINE:
        return previous if set(said or ()) <= set(keys[:index]) else said or ()
    if said is not None or mode is Mode.BATCH:
        return said or ()
    part = split.parts[index]
    if _LAST.match(part.title):
        needed = {key for wanted in waits for key in wanted}
        return tuple(key for key in keys[:index] if key not in needed)
    return previous if _is_chain(split) or part.is_step or _THEN.match(part.title) else ()


def _is_chain(split: Split) -> bool:
    if split.heading.strip("*_`: ").lower() == "steps" or _IN_ORDER.search(split.heading):
        return True
    before = split.text[: split.parts[0].start].rstrip()
    return _IN_ORDER.search(before[max(before.rfind("\n\n"), len(before) - 500, 0) :]) is not None


class _Names:
    """What a task may be called by others: its key, its number, its title."""

    def __init__(self, split: Split, keys: Sequence[str]) -> None:
        self.keys = keys
        self._done = split.done
        self._numbers = {part.number: key for part, key in zip(split.parts, keys, strict=True)}
        self._titles = {_folded(part.title): key for part, key in zip(split.parts, keys, strict=True)}

    def find(self, name: str) -> tuple[str, ...] | None:
        """The key behind a name, none for what is done already; None where nothing is called that."""
        plain = name.strip().strip("`\"'*_.").strip()
        called = _CALLED.fullmatch(plain)
        if called and int(called[1]) in self._numbers:
            return (self._numbers[int(called[1])],)
        if (called and int(called[1]) in self._done) or plain.lower() in _NONE:
            return ()
        key = plain if plain in self.keys else self._titles.get(_folded(plain))
        return (key,) if key else None


def _said(part: Part, names: _Names, first_line: int) -> tuple[str, ...] | None:
    """The keys that the part's own `depends on:` lines name; None where it has none."""
    found: dict[str, None] | None = None
    for offset, line in enumerate(part.lines):
        match = None if line.kind is Kind.CODE else _LINE.match(line.text)
        match = match or (_INLINE.search(line.text) if offset == 0 else None)
        if match is None:
            continue
        found = found if found is not None else {}
        for key in _resolved(match[1], names, first_line + part.line - 1 + offset):
            found[key] = None
    return None if found is None else tuple(found)


def _resolved(value: str, names: _Names, line: int) -> tuple[str, ...]:
    whole = names.find(value)
    if whole is not None:
        return whole
    keys: list[str] = []
    for name in _BETWEEN.split(value[:5000]):
        if not name.strip(" .*_`"):
            continue
        known = names.find(name)
        if known is None:
            some = ", ".join(names.keys[:8])
            raise Invalid(
                "prompt", f"line {line}: depends on {name.strip()[:60]!r}, which is no task; use a number, or {some}"
            )
        keys.extend(known)
    return tuple(keys)


def _check_circle(split: Split, keys: Sequence[str], waits: Sequence[tuple[str, ...]], first_line: int) -> None:
    cycle = find_cycle(dict(zip(keys, waits, strict=True)))
    if cycle:
        line = first_line + split.parts[list(keys).index(cycle[0])].line - 1
        raise Invalid("prompt", f"line {line}: these wait for each other: {' -> '.join(cycle)}; break the circle")


def _keys(parts: Sequence[Part]) -> list[str]:
    used: set[str] = set()
    keys: list[str] = []
    for number, part in enumerate(parts, 1):
        base = _SLUG.sub("-", _INLINE.sub("", part.title).lower()[:200]).strip("-")[:40].strip("-") or f"task-{number}"
        key, again = base, 2
        while key in used:
            key, again = f"{base}-{again}", again + 1
        used.add(key)
        keys.append(key)
    return keys


def _folded(title: str) -> str:
    return " ".join(_INLINE.sub("", title).lower().strip("*_`#:. \t").split())


def _short(title: str) -> str:
    title = _INLINE.sub("", title).strip(" \t*_`")
    return title if len(title) <= 80 else title[:79].rstrip() + "…"
