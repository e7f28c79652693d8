"""Rules that make the simulator misbehave on purpose, switched on at run time."""

from __future__ import annotations

import random
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cursor_monitor.simulator.errors import invalid
from cursor_monitor.simulator.validation import choice, listing, mapping, text

Json = dict[str, Any]

# Effects on a whole request, with the settings each understands.
REQUEST_EFFECTS: dict[str, frozenset[str]] = {
    "delay": frozenset({"seconds"}),
    "status": frozenset({"status", "code", "message", "body", "headers", "when"}),
    "rate_limit": frozenset({"retry_after", "when"}),
    "usage_limit": frozenset(),
    "feature_unavailable": frozenset(),
    "html": frozenset({"status", "when"}),
    "empty": frozenset({"status", "when"}),
    "truncated": frozenset(),
    "cut": frozenset({"when"}),
}
# Effects inside one behaviour; each is looked up where that behaviour lives.
INNER_EFFECTS: dict[str, frozenset[str]] = {
    "no_repositories_limit": frozenset(),
    "request_limit": frozenset({"requests", "seconds"}),
    "code_host_limit": frozenset({"requests", "seconds"}),
    "usage_delay": frozenset({"seconds"}),
    "artifacts_empty": frozenset(),
    "env_vars_ignored": frozenset(),
    "list_lag": frozenset({"seconds"}),
    "cancel_delay": frozenset({"seconds"}),
    "cancel_loses": frozenset({"seconds"}),
    "unknown_status": frozenset({"status"}),
    "unknown_field": frozenset(),
    "stream_unavailable": frozenset({"in_stream"}),
    "stream_drop": frozenset({"after"}),
    "stream_expired": frozenset(),
    "unknown_event": frozenset(),
    "webhook_duplicate": frozenset(),
    "webhook_out_of_order": frozenset({"seconds"}),
    "webhook_lost": frozenset(),
    "webhook_bad_signature": frozenset(),
}
EFFECTS = REQUEST_EFFECTS | INNER_EFFECTS
_COMMON = frozenset({"effect", "method", "path", "count", "probability"})
_NUMBERS = {"seconds", "after", "retry_after", "requests"}


@dataclass(slots=True)
class Rule:
    """One fault: where it applies, how often, and what it does."""

    id: int
    effect: str
    method: str
    path: re.Pattern[str]
    left: int | None
    probability: float
    settings: Json = field(default_factory=dict)
    hits: int = 0

    def view(self) -> Json:
        """The rule as GET /_sim/faults shows it."""
        return {
            "id": self.id,
            "effect": self.effect,
            "method": self.method,
            "path": self.path.pattern,
            "count": self.left,
            "probability": self.probability,
            "hits": self.hits,
            **self.settings,
        }

    def fits(self, method: str, path: str) -> bool:
        """True where the rule is still alive and speaks about this request."""
        return self.left != 0 and self.method in ("*", method) and self.path.search(path) is not None


class Faults:
    """The rules in force, in the order in which they were given."""

    def __init__(self, seed: str) -> None:
        self._rules: list[Rule] = []
        self._ids = count(1)
        self._dice = random.Random(f"{seed} faults")

    def add(self, body: object) -> None:
        """Add one rule or a list of them; all or none; 400 says what is wrong."""
        items = body if isinstance(body, list) else [body]
        self._rules += [self._parse(item, f"rules[{n}]") for n, item in enumerate(listing(items, "rules", 1000))]

    def views(self) -> list[Json]:
        """All rules, used up or not."""
        return [rule.view() for rule in self._rules]

    def clear(self) -> None:
        """End all faults."""
        self._rules.clear()

    def take(self, effects: Collection[str], method: str, path: str) -> Rule | None:
        """The first rule for this request that strikes, counted as used."""
        for rule in self._rules:
            if rule.effect in effects and rule.fits(method, path) and self._strikes(rule):
                return rule
        return None

    def _strikes(self, rule: Rule) -> bool:
        if rule.probability < 1 and self._dice.random() >= rule.probability:
            return False
        rule.hits += 1
        if rule.left is not None:
            rule.left -= 1
        return True

    def _parse(self, value: object, at: str) -> Rule:
        item = mapping(value, at)
        effect = choice(item.get("effect"), f"{at}.effect", EFFECTS)
        mapping(item, at, _COMMON | EFFECTS[effect])
        settings = {key: item[key] for key in EFFECTS[effect] if key in item}
        _check_settings(settings, at)
        return Rule(
            id=next(self._ids),
            effect=effect,
            method=text(item.get("method", "*"), f"{at}.method").upper(),
            path=_pattern(item.get("path", ""), f"{at}.path"),
            left=_count(item.get("count"), f"{at}.count"),
            probability=_probability(item.get("probability", 1), f"{at}.probability"),
            settings=settings,
        )


def _check_settings(settings: Json, at: str) -> None:
    choice(settings.get("when", "before"), f"{at}.when", ("before", "after"))
    for key in _NUMBERS & set(settings):
        value = settings[key]
        bad = isinstance(value, bool) or not isinstance(value, int | float) or value < 0
        if bad and not (key == "retry_after" and value is None):
            raise invalid(f"{at}.{key}: Expected a number from 0 up")
    if "headers" in settings:
        for name, header in mapping(settings["headers"], f"{at}.headers").items():
            text(header, f"{at}.headers.{name}")


def _pattern(value: object, at: str) -> re.Pattern[str]:
    try:
        return re.compile(text(value, at, least=0))
    except re.error as error:
        raise invalid(f"{at}: Not a regular expression ({error})") from None


def _count(value: object, at: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise invalid(f"{at}: Expected an integer from 1 up, or null for no end")
    return value


def _probability(value: object, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise invalid(f"{at}: Expected a number from 0 to 1")
    return float(value)
