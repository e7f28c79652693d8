"""Values to JSON columns and back, by their types; a payload that does not fit raises ValueError."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from cursor_monitor.domain.events import EVENT_TYPES, Event
from cursor_monitor.domain.orchestration import Attempt, Options

T = TypeVar("T")


def dump(value: Any) -> Any:
    """The value as plain JSON data."""
    return _adapter(type(value)).dump_python(value, mode="json")


def load(kind: type[T], data: Any) -> T:
    """The value that dump made."""
    return _adapter(kind).validate_python(data)


def dump_event(event: Event) -> dict[str, Any]:
    """The event's payload: all but its time, which is a column."""
    payload: dict[str, Any] = dump(event)
    del payload["at"]
    return payload


def load_event(name: str, at: datetime, payload: dict[str, Any]) -> Event:
    """The event of that wire name."""
    return load(EVENT_TYPES[name], {"at": at, **payload})


def load_options(data: dict[str, Any]) -> Options:
    """Options as stored; what a newer version added is left out."""
    return load(Options, {key: value for key, value in data.items() if key in Options.__slots__})


def load_attempt(data: dict[str, Any]) -> Attempt:
    """An attempt as stored."""
    return load(Attempt, data)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
