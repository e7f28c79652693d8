"""One thing that happens in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One thing in a run: kind `thinking`, `assistant` or `tool`; `at` is a share of the run's time."""

    at: float
    kind: str
    text: str = ""
    tool: str = ""
    args: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
