"""What a person does to the repository profiles: add, change, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.orchestration import Options
from cursor_monitor.domain.profiles import parse_pattern
from cursor_monitor.engine import plan
from cursor_monitor.store import profiles
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

PROFILES_LIMIT = 500
NAMES_LIMIT, NAME_LENGTH = 100, 255
PARALLEL_LIMIT = 10_000
MODEL_LENGTH = 100
LISTS = ("base_branches", "protected_branches", "protected_paths", "required_checks")
_FIELDS = frozenset({"pattern", *LISTS, "max_parallel_agents", "default_model", "default_options"})


@transactional
def create(session: Session, fields: Mapping[str, Any], *, by: str) -> str:
    """Add a profile; returns its id. Raises Invalid naming the field, Conflict where there are too many."""
    values = _checked(fields)
    if profiles.count(session) >= PROFILES_LIMIT:
        raise Conflict(f"There are {PROFILES_LIMIT} profiles, which is the most; delete one first.")
    profile_id, now = mint_uuid7(), database_now(session)
    if not profiles.insert_profile(session, id=profile_id, changed_by=by, created_at=now, updated_at=now, **values):
        raise _taken(values["pattern"])
    return str(profile_id)


@transactional
def replace(session: Session, profile_id: str, fields: Mapping[str, Any], *, by: str) -> None:
    """Put other rules in its place; what is under way meets them with the next agent that is launched."""
    values, known = _checked(fields), _id(profile_id)
    if profiles.is_taken(session, values["pattern"], but=known):
        raise _taken(values["pattern"])
    if not profiles.update(session, known, changed_by=by, **values):
        raise _missing(profile_id)


@transactional
def delete(session: Session, profile_id: str, *, by: str) -> None:
    """Forget a profile; raises NotFound."""
    if not profiles.delete(session, _id(profile_id)):
        raise _missing(profile_id)


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    plan.refuse_unknown(fields, _FIELDS)
    return {
        "pattern": parse_pattern(fields.get("pattern")),
        **{name: _names(fields.get(name), name) for name in LISTS},
        "max_parallel_agents": _whole(fields.get("max_parallel_agents")),
        "default_model": _model(fields.get("default_model")),
        "default_options": _options(fields.get("default_options")),
    }


def _names(value: object, field: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
        raise Invalid(field, "must be a list of text")
    names = list(dict.fromkeys(one.strip() for one in value if one.strip()))
    if len(names) > NAMES_LIMIT:
        raise Invalid(field, f"may hold {NAMES_LIMIT} names, these are {len(names)}; use patterns with *")
    for name in names:
        if len(name) > NAME_LENGTH or not name.isprintable():
            raise Invalid(field, f"{name[:40]!r} is no name: one line of at most {NAME_LENGTH} characters")
    return names


def _whole(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= PARALLEL_LIMIT:
        raise Invalid("max_parallel_agents", f"must be a whole number from 1 to {PARALLEL_LIMIT:,}")
    return value


def _model(value: object) -> str | None:
    model = value.strip() if isinstance(value, str) else value
    if model is None or model == "":
        return None
    if not isinstance(model, str) or len(model) > MODEL_LENGTH or not model.isprintable():
        raise Invalid("default_model", f"must be the name of a model, at most {MODEL_LENGTH} characters")
    return model


def _options(value: object) -> dict[str, Any]:
    """The options that a request gets where it does not say otherwise, as they were given."""
    if value is None:
        return {}
    for name in ("required_checks", "protected_paths"):
        if isinstance(value, Mapping) and value.get(name) is not None:
            raise Invalid(f"default_options.{name}", f"is a rule, not a default; use {name} of the profile")
    try:
        plan.parse_options(value, Options())
    except Invalid as error:
        reason = error.message.partition(": ")[2]
        raise Invalid(error.field.replace("options", "default_options", 1), reason) from None
    return {str(name): one for name, one in dict(value).items() if one is not None}  # pyright: ignore[reportCallIssue,reportArgumentType]


def _id(profile_id: str) -> UUID:
    try:
        return UUID(profile_id)
    except ValueError:
        raise _missing(profile_id) from None


def _missing(profile_id: str) -> NotFound:
    return NotFound(f"No profile has the id {profile_id[:60]}.")


def _taken(pattern: str) -> Invalid:
    return Invalid("pattern", f"{pattern!r} has a profile already; change that one")
