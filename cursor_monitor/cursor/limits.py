"""Rate limits as Cursor reports them in response headers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_FAR = timedelta(days=1)
_EPOCH_SECONDS = 1_000_000_000
_EPOCH_MILLISECONDS = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What one response said about rate limits; None where a header was absent or unreadable."""

    limit: int | None
    remaining: int | None
    reset_at: datetime | None
    retry_after: float | None
    observed_at: datetime


def parse_limits(headers: Mapping[str, str], now: datetime) -> RateLimits | None:
    """Read `X-RateLimit-*` and `Retry-After`, or None where a response carries none of them."""
    there = time_there(headers, now)
    limit = _count(headers.get("X-RateLimit-Limit"))
    remaining = _count(headers.get("X-RateLimit-Remaining"))
    reset = parse_moment(headers.get("X-RateLimit-Reset"), there)
    reset_at = None if reset is None else now + min(max(reset - there, -_FAR), _FAR)
    retry_after = parse_retry_after(headers.get("Retry-After"), there)
    if limit is None and remaining is None and reset_at is None and retry_after is None:
        return None
    return RateLimits(limit, remaining, reset_at, retry_after, now)


def time_there(headers: Mapping[str, str], now: datetime) -> datetime:
    """The time by the server's clock, which may be far from ours: the moments in its headers are meant by it."""
    return _date(headers.get("Date")) or now


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from seconds or an HTTP date (RFC 9110, 10.2.3); never negative."""
    seconds = _number(value)
    if seconds is not None:
        return max(0.0, seconds)
    moment = _date(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def parse_moment(value: str | None, now: datetime) -> datetime | None:
    """A moment from epoch seconds or milliseconds, seconds from now, or a date: the format is unpublished."""
    number = _number(value)
    if number is None:
        return _date(value)
    try:
        if number >= _EPOCH_MILLISECONDS:
            return datetime.fromtimestamp(number / 1000, UTC)
        if number >= _EPOCH_SECONDS:
            return datetime.fromtimestamp(number, UTC)
        return now + timedelta(seconds=number)
    except (OverflowError, ValueError, OSError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _count(value: str | None) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _date(value: str | None) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse((value or "").strip())
        except (ValueError, TypeError, IndexError):
            continue
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
