"""Whether an agent goes in circles, from the newest that it did and said; seldom wrong rather than early."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from cursor_monitor.domain.loops import Deed, Loop, LoopKind

WINDOW = 64
"""So many deeds, the newest, are looked at."""

SAME_ACTIONS = 6
SAME_ERRORS = 5
PING_PONGS = 5
CIRCLES = 20
STEPS_IN_A_CIRCLE = 4
MONOLOGUES = 12
"""From so many times on a person is told; at twice as many there is no doubt."""

_EXCERPT = 200
_SMALL = 20
_VARYING = re.compile(r"0x[0-9a-f]+|\d+(?:[.:]\d+)*")

Detector = Callable[[Sequence[Deed]], Loop | None]


def find_loop(deeds: Sequence[Deed]) -> Loop | None:
    """The surest sign of going in circles that goes on to the newest deed; None where it gets on."""
    newest = sorted(deeds, key=lambda deed: deed.position)[-WINDOW:]
    found = [loop for detect in DETECTORS if (loop := detect(newest)) is not None]
    return next((loop for loop in found if loop.is_certain), found[0] if found else None)


def _same_action(deeds: Sequence[Deed]) -> Loop | None:
    tools = _tools(deeds)
    if not tools:
        return None
    count = 0
    for deed in reversed(tools):
        if deed.identity != tools[-1].identity:
            break
        count += 1
    return _loop(LoopKind.SAME_ACTION, count, SAME_ACTIONS, tools[-count:])


def _same_error(deeds: Sequence[Deed]) -> Loop | None:
    tools = _tools(deeds)
    failed = next((deed for deed in reversed(tools) if deed.is_failure), None)
    if failed is None:
        return None
    met: list[Deed] = []
    for deed in reversed(tools):
        if deed.action != failed.action:
            continue
        if not deed.is_failure or _essence(deed.result) != _essence(failed.result):
            break
        met.insert(0, deed)
    return _loop(LoopKind.SAME_ERROR, len(met), SAME_ERRORS, met)


def _ping_pong(deeds: Sequence[Deed]) -> Loop | None:
    tools = _tools(deeds)
    if len(tools) < 2:
        return None
    pair = [deed.identity for deed in tools[-2:]]
    if pair[0] == pair[1]:
        return None
    count = 0
    while [d.identity for d in tools[len(tools) - 2 * count - 2 : len(tools) - 2 * count]] == pair:
        count += 1
    return _loop(LoopKind.PING_PONG, count, PING_PONGS, tools[len(tools) - 2 * count :])


def _circle(deeds: Sequence[Deed]) -> Loop | None:
    """Few different steps, each with the same result every time, for long."""
    tools = _tools(deeds)
    seen: Counter[tuple[str, str]] = Counter()
    start = len(tools)
    for index in range(len(tools) - 1, -1, -1):
        step = tools[index].identity
        if step not in seen and len(seen) == STEPS_IN_A_CIRCLE:
            break
        seen[step] += 1
        start = index
    if not seen or min(seen.values()) < 3:  # a step taken once or twice is a way on
        return None
    return _loop(LoopKind.CIRCLE, len(tools) - start, CIRCLES, tools[start:])


def _monologue(deeds: Sequence[Deed]) -> Loop | None:
    said: list[Deed] = []
    for deed in reversed(deeds):
        if deed.kind == "tool":
            break
        said.insert(0, deed)
    return _loop(LoopKind.MONOLOGUE, len(said), MONOLOGUES, said)


DETECTORS: tuple[Detector, ...] = (_same_action, _same_error, _ping_pong, _circle, _monologue)


def _tools(deeds: Sequence[Deed]) -> list[Deed]:
    return [deed for deed in deeds if deed.kind == "tool"]


def _loop(kind: LoopKind, count: int, enough: int, deeds: Sequence[Deed]) -> Loop | None:
    if count < enough or not deeds:
        return None
    newest = deeds[-1]
    action, result = " ".join(newest.action.split()), " ".join(newest.result.split())
    return Loop(
        kind, count, action[:_EXCERPT], result[:_EXCERPT], deeds[0].position, newest.position, count >= 2 * enough
    )


def _essence(result: str) -> str:
    """An error without what differs each time: times, addresses, line numbers."""
    return _VARYING.sub("#", result.lower()) if len(result) > _SMALL else result
