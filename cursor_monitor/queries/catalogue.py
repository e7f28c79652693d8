"""What Cursor offers, as last fetched by the worker: models and repositories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.engine.plan import parse_repository
from cursor_monitor.store import accounts, agents, cache
from cursor_monitor.store.database import reading

_MOST_BRANCHES = 500


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


def get_me(account: str | None = None) -> MeRow:
    """Whose key an account has; the default one's where none is named. Raises Invalid for an unknown account."""
    found = _listing("me", account)
    return MeRow(**found[0]) if found else MeRow(None, None, None)


def list_models(account: str | None = None) -> tuple[ModelRow, ...]:
    """The models on offer; empty until the worker has asked."""
    found = _listing("models", account)
    return tuple(_model(m) for m in found[0]) if found else ()


def list_repositories(account: str | None = None) -> tuple[str, ...]:
    """The repositories that Cursor's app can see, as https URLs; empty until the worker has asked."""
    found = _listing("repositories", account)
    return tuple(found[0]) if found else ()


def list_branches(repository: str) -> tuple[str | None, tuple[str, ...]]:
    """The repository's address, and its branches as far as they are known: those of the code host, else those that
    agents started from or pushed. None and nothing for what is no repository."""
    try:
        address = parse_repository(repository)
    except Invalid:
        return None, ()
    with reading() as session:
        listed = cache.get(session, cache.branches_key(address))
        used = agents.select_refs(session, address, _MOST_BRANCHES)
    return address, tuple(dict.fromkeys([*(listed[0] if listed else ()), *used]))[:_MOST_BRANCHES]


def fetched_at(key: str, account: str | None = None) -> datetime | None:
    """When `models` or `repositories` was last fetched."""
    found = _listing(key, account)
    return found[1] if found else None


def _model(kept: dict[str, Any]) -> ModelRow:
    parameters = tuple(
        ParameterRow(p["id"], p["name"], tuple(ValueRow(v["value"], v["name"]) for v in p["values"]))
        for p in kept.get("parameters", ())
    )
    return ModelRow(kept["id"], kept["name"], parameters)


def _listing(name: str, account: str | None) -> tuple[Any, datetime] | None:
    with reading() as session:
        return cache.get(session, cache.account_key(name, accounts.resolve(session, account).id))
