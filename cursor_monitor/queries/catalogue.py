"""What Cursor offers, as last fetched by the worker: models and repositories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cursor_monitor.store import cache
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A value to choose for a parameter."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter of a model."""

    id: str
    name: str
    choices: tuple[ValueRow, ...]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model to choose."""

    id: str
    name: str
    parameters: tuple[ParameterRow, ...] = ()


@dataclass(frozen=True, slots=True)
class MeRow:
    """Whose key it is; all None until the worker has asked, the person's fields also for keys of no person."""

    key_name: str | None
    email: str | None
    name: str | None


def get_me() -> MeRow:
    """Whose key is used."""
    with reading() as session:
        found = cache.get(session, "me")
    return MeRow(**found[0]) if found else MeRow(None, None, None)


def list_models() -> tuple[ModelRow, ...]:
    """The models on offer; empty until the worker has asked."""
    with reading() as session:
        found = cache.get(session, "models")
    return tuple(_model(m) for m in found[0]) if found else ()


def list_repositories() -> tuple[str, ...]:
    """The repositories that Cursor's app can see, as https URLs; empty until the worker has asked."""
    with reading() as session:
        found = cache.get(session, "repositories")
    return tuple(found[0]) if found else ()


def fetched_at(key: str) -> datetime | None:
    """When `models` or `repositories` was last fetched."""
    with reading() as session:
        found = cache.get(session, key)
    return found[1] if found else None


def _model(kept: dict[str, Any]) -> ModelRow:
    parameters = tuple(
        ParameterRow(p["id"], p["name"], tuple(ValueRow(v["value"], v["name"]) for v in p["values"]))
        for p in kept.get("parameters", ())
    )
    return ModelRow(kept["id"], kept["name"], parameters)
