"""How long to wait before trying again: exponential, capped, with the caller's jitter."""

from __future__ import annotations

BASE_SECONDS = 1.0
CAP_SECONDS = 300.0


def delay_seconds(attempt: int, jitter: float, wanted: float | None = None) -> float:
    """Seconds before attempt `attempt` + 1; `jitter` is from 0 to 1, `wanted` is what the other side asked for."""
    backoff = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempt - 1, 30))
    return max(wanted or 0.0, backoff * (0.5 + jitter / 2))
