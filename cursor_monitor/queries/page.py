"""Keyset paging: a page of rows and the opaque cursor of the next."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

from cursor_monitor.domain.errors import Invalid

T = TypeVar("T")

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and where to go on; `next_cursor` is None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def encode_cursor(*values: str) -> str:
    """The opaque form of a position in an ordered list."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, width: int) -> tuple[str, ...] | None:
    """The position that encode_cursor packed; raises Invalid for anything else."""
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, UnicodeDecodeError):
        values = None
    if not isinstance(values, list) or len(values) != width or not all(_is_plain(v) for v in values):
        raise Invalid("cursor", "is not one that this server gave out; start again without it")
    return tuple(values)


def _is_plain(value: object) -> bool:
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        value.encode()  # JSON can hold half of a surrogate pair, Postgres cannot
    except UnicodeEncodeError:
        return False
    return True


def check_limit(limit: int) -> int:
    """The page size, refused outside 1..MAX_LIMIT."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid("limit", f"must be from 1 to {MAX_LIMIT}")
    return limit
