"""Reads fields out of decoded JSON: strict about what we cannot do without, tolerant about the rest."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")
Json = Mapping[str, Any]


class PayloadError(ValueError):
    """A body that is not what the endpoint promises; the text names the field, never its content."""


def parse_json(body: bytes) -> Any:
    """Decode a body as JSON, with characters that Postgres cannot store replaced by U+FFFD."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise PayloadError("the body is not whole JSON") from None
    lowered = body.lower()
    return _storable(data) if rb"\u0000" in lowered or rb"\ud" in lowered else data


def object_of(data: Any, name: str) -> Json:
    """The data itself, if it is a JSON object."""
    if not isinstance(data, dict):
        raise PayloadError(f"{name} is not an object")
    return data


def items(body: Json, name: str, item: Callable[[Any], T], *, required: bool = True) -> tuple[T, ...]:
    """A list field with each entry parsed; absent is empty where it is not required."""
    entries = body.get(name)
    if entries is None and not required:
        return ()
    if not isinstance(entries, list):
        raise PayloadError(f"{name} is not a list")
    return tuple(item(entry) for entry in entries)


def text(body: Any, name: str) -> str:
    """A text field that must be there and not empty."""
    value = object_of(body, f"the holder of {name}").get(name)
    if not isinstance(value, str) or not value:
        raise PayloadError(f"{name} is missing")
    return value


def optional_text(body: Json, name: str) -> str | None:
    """A text field, or None where it is absent, empty or of another type."""
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def moment(body: Json, name: str) -> datetime:
    """A timestamp field that must be there."""
    value = optional_moment(body, name)
    if value is None:
        raise PayloadError(f"{name} is not a timestamp")
    return value


def optional_moment(body: Json, name: str) -> datetime | None:
    """An ISO 8601 field as an aware UTC datetime, or None where it is none."""
    try:
        value = datetime.fromisoformat(body.get(name) or "")
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def optional_number(body: Json, name: str) -> float | None:
    """A finite number field, or None."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def optional_int(body: Json, name: str) -> int | None:
    """A number field cut to an integer, or None."""
    value = optional_number(body, name)
    return None if value is None else int(value)


def _storable(data: Any) -> Any:
    if isinstance(data, str):
        whole = data.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.replace("\x00", "\ufffd")
    if isinstance(data, list):
        return [_storable(entry) for entry in data]
    if isinstance(data, dict):
        return {_storable(name): _storable(value) for name, value in data.items()}
    return data
