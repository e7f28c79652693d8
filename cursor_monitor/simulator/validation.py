"""Small checks of JSON values; each raises a 400 validation_error that says where."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from cursor_monitor.simulator.errors import invalid

Json = dict[str, Any]


def mapping(value: object, at: str, known: Collection[str] | None = None) -> Json:
    """An object; with `known`, a closed one."""
    if not isinstance(value, dict):
        raise invalid(f"{at}: Expected object")
    unknown = sorted(set(value) - set(known)) if known is not None else []
    if unknown:
        raise invalid(f"{at}: Unrecognized key(s) in object: {', '.join(map(repr, unknown))}")
    return value


def listing(value: object, at: str, most: int) -> list[Any]:
    """An array of at most `most` items."""
    if not isinstance(value, list):
        raise invalid(f"{at}: Expected array")
    if len(value) > most:
        raise invalid(f"{at}: Array must contain at most {most} element(s)")
    return value


def text(value: object, at: str, most: int | None = None, least: int = 1) -> str:
    """A string of `least` to `most` characters."""
    if not isinstance(value, str):
        raise invalid(f"{at}: Expected string")
    if len(value) < least:
        raise invalid(f"{at}: String must contain at least {least} character(s)")
    if most is not None and len(value) > most:
        raise invalid(f"{at}: String must contain at most {most} character(s)")
    return value


def flag(value: object, at: str) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise invalid(f"{at}: Expected boolean")
    return value


def whole(value: object, at: str, least: int) -> int:
    """An integer from `least` up; 3.0 counts as one, true does not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise invalid(f"{at}: Expected integer of at least {least}")
    return value


def choice(value: object, at: str, words: Collection[str]) -> str:
    """One of a few strings."""
    if not isinstance(value, str) or value not in words:
        raise invalid(f"{at}: Invalid enum value. Expected {' | '.join(map(repr, words))}")
    return value


def web_url(value: object, at: str, userinfo: bool = True) -> str:
    """An http or https URL."""
    url = text(value, at)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in url)
    except ValueError:
        raise invalid(f"{at}: Invalid url") from None
    if not sound:
        raise invalid(f"{at}: Invalid url")
    if not userinfo and "@" in parts.netloc:
        raise invalid(f"{at}: URL must not contain credentials")
    return url


def unique(names: list[str], at: str) -> None:
    """No name twice."""
    if len(set(names)) != len(names):
        raise invalid(f"{at}: Names must be unique")


def strings(value: object, at: str) -> dict[str, str]:
    """An object whose values are all strings."""
    return {key: text(item, f"{at}.{key}", least=0) for key, item in mapping(value, at).items()}
