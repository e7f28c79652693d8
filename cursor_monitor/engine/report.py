"""Reading the completion report at the end of a run's last message: strictly, as data from a stranger."""

from __future__ import annotations

import json
import re
from typing import Any

from cursor_monitor.domain.orchestration import Report, Review, TestCounts
from cursor_monitor.domain.text import storable

_OPENING = re.compile(r"```json[ \t\r]*\n")
_CLOSING = re.compile(r"\n[ \t]*```")
_ITEMS = 200
_LENGTH = 2_000
_SIZE = 100_000


def parse_report(message: str | None) -> Report | None:
    """The last fenced JSON block of the message as a Report; None where there is none or it breaks the contract."""
    block = last_json_block(message or "")
    if block is None or len(block) > _SIZE:
        return None
    try:
        data = json.loads(block, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    try:
        return Report(
            done=_lines(data, "done"),
            remaining=_lines(data, "remaining"),
            tests=_tests(data.get("tests")),
            files=_lines(data, "files", required=False),
            confidence=_confidence(data.get("confidence")),
        )
    except ValueError:
        return None


def parse_review(message: str | None) -> Review | None:
    """The last fenced JSON block as a reviewer's verdict; None where there is none or it breaks the contract."""
    block = last_json_block(message or "")
    if block is None or len(block) > _SIZE:
        return None
    try:
        data = json.loads(block, parse_constant=_refuse)
        if not isinstance(data, dict) or data.get("verdict") not in ("approve", "changes"):
            return None
        findings = tuple(line for line in _lines(data, "findings", required=False) if line.strip())
    except (ValueError, RecursionError, TypeError):
        return None
    is_approved = data["verdict"] == "approve"
    return None if not is_approved and not findings else Review(is_approved, () if is_approved else findings)


def last_json_block(message: str) -> str | None:
    """The text within the last fenced JSON block; None where there is none."""
    # Two plain searches, so that no message, however made, takes longer than its length allows.
    start = max((opening.end() for opening in _OPENING.finditer(message)), default=None)
    closing = None if start is None else _CLOSING.search(message, start)
    return message[start : closing.start()] if closing else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _lines(data: dict[str, Any], name: str, *, required: bool = True) -> tuple[str, ...]:
    value = data.get(name, None if required else [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of text")
    return tuple(storable(item)[:_LENGTH] for item in value[:_ITEMS])


def _tests(value: object) -> TestCounts | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("tests must be an object")
    numbers = [value.get(name, 0) for name in ("run", "passed", "failed")]
    if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 10_000_000 for n in numbers):
        raise ValueError("tests must be counts")
    counts = TestCounts(*numbers)
    if counts.passed + counts.failed > counts.run:
        raise ValueError("more tests ended than were run")
    return counts


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError("confidence must be from 0 to 1")
    return float(value)
