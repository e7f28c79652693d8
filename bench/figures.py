"""A figure, and the file that keeps the last one of each."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")

Results = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, against a limit of its own, or as a ratio against peers measured in the same run."""

    name: str
    ours: float
    unit: str
    limit: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    goal: float | None = None
    lower_is_better: bool = True
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours over the best peer."""
        if not self.peers:
            return None
        best = min(self.peers.values()) if self.lower_is_better else max(self.peers.values())
        return self.ours / best

    @property
    def met(self) -> bool:
        """True where the limit and the goal, as far as there are any, are kept."""
        return self._keeps(self.ours, self.limit) and self._keeps(self.ratio, self.goal)

    def entry(self, conditions: dict[str, Any]) -> dict[str, Any]:
        """What is written down, with what was known of the machine while it was measured."""
        return {
            "ours": _short(self.ours),
            "unit": self.unit,
            "limit": self.limit,
            "peers": {name: _short(value) for name, value in self.peers.items()},
            "ratio": _short(self.ratio),
            "goal": self.goal,
            "met": self.met,
            "details": {name: _finite(value) for name, value in self.details.items()},
            "conditions": conditions,
        }

    def _keeps(self, value: float | None, bound: float | None) -> bool:
        if value is None or bound is None:
            return True
        return value <= bound if self.lower_is_better else value >= bound


def read_results() -> Results:
    """The last figures; empty where nothing was measured yet."""
    if not RESULTS.exists():
        return {}
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def write_results(results: Results) -> None:
    """Keep the figures, as JSON that any reader takes."""
    text = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def _short(value: float | None) -> float | None:
    """Four digits; None for what is not known or was never reached, as JSON has no word for infinity."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
