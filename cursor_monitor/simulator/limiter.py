"""The published limits of GET /v1/repositories for each key, 1 a minute and 30 an hour, and one over everything."""

from __future__ import annotations

from collections import defaultdict, deque

from cursor_monitor.simulator.errors import ApiError

MINUTE, HOUR = 60_000, 3_600_000
WINDOWS = ((MINUTE, 1), (HOUR, 30))


class RepositoriesLimit:
    """Sliding windows over the accepted requests; times in milliseconds."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[int]] = defaultdict(deque)

    def admit(self, key: str, now: int) -> dict[str, str]:
        """Count one request and return the limit headers; 429 with all four where a window is full."""
        seen = self._seen[key]
        while seen and seen[0] <= now - HOUR:
            seen.popleft()
        for window, most in WINDOWS:
            recent = [moment for moment in seen if moment > now - window]
            if len(recent) >= most:
                raise _limited(most, recent[0] + window, now)
        seen.append(now)
        return _headers(1, 0, now + MINUTE)


class RequestsLimit:
    """A sliding window over all accepted requests of a key, as a rule sets it; times in milliseconds."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[int]] = defaultdict(deque)

    def refusal(self, key: str, most: int, window: int, now: int) -> dict[str, str] | None:
        """Count one request: None where it may pass, else the headers of the 429."""
        seen = self._seen[key]
        while seen and seen[0] <= now - window:
            seen.popleft()
        if len(seen) < most:
            seen.append(now)
            return None
        reset = (seen[0] if seen else now) + window
        return _headers(most, 0, reset) | {"Retry-After": str(max(1, -(-(reset - now) // 1000)))}


class HourlyLimit:
    """A budget of each token that begins anew with every window, as the code host's; times in milliseconds."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, int]] = {}  # token -> end, used

    def count(self, token: str, cost: int, most: int, window: int, now: int) -> tuple[int, int]:
        """Spend `cost`: how much is used now, never more than one above `most`, and when the window ends."""
        end, used = self._windows.get(token, (0, 0))
        if now >= end or end - now > window:
            end, used = now + window, 0
        used = min(used + cost, most + 1)
        self._windows[token] = (end, used)
        return used, end


def _headers(limit: int, remaining: int, reset_ms: int) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(-(-reset_ms // 1000)),
    }


def _limited(limit: int, reset_ms: int, now: int) -> ApiError:
    headers = _headers(limit, 0, reset_ms) | {"Retry-After": str(max(1, -(-(reset_ms - now) // 1000)))}
    return ApiError(429, "rate_limit_exceeded", "Rate limit exceeded for repositories", headers)
