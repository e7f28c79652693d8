"""What breaks in a fault run, in which order and after which pauses: an endless list that follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LEASE_SECONDS = 3.0
_CREATE, _FOLLOW, _POST = "^/v1/agents$", "^/v1/agents/[^/]+/runs$", "^/v1/agents(/[^/]+/runs)?$"

_BLOWS: Mapping[str, int] = {
    "kill": 5,  # SIGKILL of a worker; another takes its place
    "freeze": 3,  # SIGSTOP until after its leases ran out, then SIGCONT
    "restart": 1,  # Postgres, fast: every session is ended
    "crash": 1,  # Postgres, SIGQUIT: it recovers from its log
    "cut": 1,  # some connections of Postgres end
    "api": 9,  # a rule of the simulator
    "hints": 6,  # webhooks: true, false, twice, late, forged, of agents nobody knows
    "outside": 2,  # somebody deletes, archives or cancels an agent at Cursor
}

_RULES: Sequence[dict[str, Any]] = (
    {"effect": "rate_limit", "retry_after": 1, "count": 1},
    {"effect": "status", "status": 429, "code": "rate_limit_exceeded", "headers": {"retry-after": "1"}, "count": 4},
    {"effect": "rate_limit", "retry_after": None, "count": 4, "method": "POST"},
    {"effect": "status", "status": 500, "count": 5},
    {"effect": "status", "status": 503, "count": 4, "method": "POST", "when": "after"},
    {"effect": "html", "count": 3},
    {"effect": "html", "count": 2, "method": "POST", "path": _POST, "when": "after"},
    {"effect": "empty", "count": 3, "method": "POST", "path": _POST, "when": "after"},
    {"effect": "cut", "count": 3, "when": "before"},
    {"effect": "cut", "count": 2, "method": "POST", "path": _CREATE, "when": "after"},
    {"effect": "cut", "count": 2, "method": "POST", "path": _FOLLOW, "when": "after"},
    {"effect": "truncated", "count": 2, "method": "POST", "path": _CREATE},
    {"effect": "truncated", "count": 2, "method": "POST", "path": _FOLLOW},
    {"effect": "truncated", "count": 3, "method": "GET"},
    {"effect": "delay", "seconds": 1.0, "count": 3, "method": "POST", "path": _CREATE},
    {"effect": "delay", "seconds": 0.7, "count": 2, "method": "POST", "path": _FOLLOW},
    {"effect": "delay", "seconds": 2.0, "count": 5, "method": "GET"},
    {"effect": "usage_limit", "count": 1, "method": "POST", "path": _POST},
    {"effect": "list_lag", "seconds": 5, "count": 20},
    {"effect": "cancel_delay", "seconds": 4, "count": 3},
    {"effect": "cancel_loses", "count": 3},
    {"effect": "usage_delay", "seconds": 8, "count": 5},
    {"effect": "unknown_status", "count": 4, "method": "GET"},
    {"effect": "unknown_field", "count": 20},
    {"effect": "unknown_event", "count": 5},
    {"effect": "stream_drop", "after": 3, "count": 5},
    {"effect": "stream_expired", "count": 2},
    {"effect": "stream_unavailable", "count": 3},
)


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that breaks, so many seconds after the one before; `chance` decides what was left open."""

    after_seconds: float
    kind: str
    lasts_seconds: float = 0.0
    rule: Mapping[str, Any] = field(default_factory=dict)
    chance: int = 0

    @property
    def dice(self) -> random.Random:
        """Chooses the victim among those that are there."""
        return random.Random(self.chance)


def storm(seed: str, gap_seconds: float = 1.0, kinds: Sequence[str] = ()) -> Iterator[Blow]:
    """The blows of a seed: only these kinds, in this order, where they are given; else for ever."""
    dice = random.Random(f"{seed} storm")
    number = 0
    while number < len(kinds) or not kinds:
        kind = kinds[number] if kinds else dice.choices(list(_BLOWS), list(_BLOWS.values()))[0]
        yield _blow(dice, kind, gap_seconds)
        number += 1


def _blow(dice: random.Random, kind: str, gap_seconds: float) -> Blow:
    after = dice.uniform(0.3, 1.7) * gap_seconds
    rule = dice.choice(_RULES) if kind == "api" else {}
    leases = dice.choice((0.5, 0.5, 1.5, 1.5, 2.5, 5))  # the longest outlasts what a transaction may stand idle
    lasts = {"kill": dice.uniform(0, 2), "freeze": leases * LEASE_SECONDS}.get(kind, 0.0)
    return Blow(after, kind, lasts, rule, dice.getrandbits(32))
