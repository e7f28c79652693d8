"""What a person does to the prompt templates, and how one becomes the prompt of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.templates import (
    CHOICE_LENGTH,
    CHOICES_LIMIT,
    DEFAULT_LIMIT,
    LABEL_LIMIT,
    Variable,
    fill_in,
    names_in,
)
from cursor_monitor.engine.plan import PROMPT_LIMIT, refuse_unknown
from cursor_monitor.store import tables, templates
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

TEMPLATES_LIMIT = 500
NAME_LIMIT, DESCRIPTION_LIMIT = 100, 500
_FIELDS = frozenset({"name", "description", "prompt", "variables"})
_VARIABLE_FIELDS = frozenset({"name", "label", "default", "choices", "is_long"})


@transactional
def create(session: Session, fields: Mapping[str, Any], *, by: str) -> str:
    """Keep a prompt; returns its id. Raises Invalid naming the field, Conflict where there are too many."""
    values = _checked(fields)
    if templates.count(session) >= TEMPLATES_LIMIT:
        raise Conflict(f"There are {TEMPLATES_LIMIT} templates, which is the most; delete one first.")
    template_id, now = mint_uuid7(), database_now(session)
    known = {"id": template_id, "changed_by": by, "created_at": now, "updated_at": now}
    if not templates.insert_template(session, **known, **values):
        raise _taken(values["name"])
    return str(template_id)


@transactional
def replace(session: Session, template_id: str, fields: Mapping[str, Any], *, by: str) -> None:
    """Put another in its place; what was launched from it stays as it was. Raises Invalid, NotFound."""
    values, known = _checked(fields), _id(template_id)
    other = templates.find_named(session, values["name"])
    if other is not None and other.id != known:
        raise _taken(values["name"])
    if not templates.update(session, known, changed_by=by, updated_at=database_now(session), **values):
        raise _missing(template_id)


@transactional
def delete(session: Session, template_id: str, *, by: str) -> None:
    """Forget a template; raises NotFound."""
    if not templates.delete(session, _id(template_id)):
        raise _missing(template_id)


def render(template_id: str, values: object) -> str:
    """The prompt with these values; nothing is launched. Raises Invalid naming the variable, NotFound."""
    with reading() as session:
        found = templates.find(session, _id(template_id))
        if found is None:
            raise _missing(template_id)
        return _filled(found, values)


def expand(session: Session, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a request with the prompt that its `template` and `variables` make; as they are without these."""
    if not isinstance(fields, Mapping) or ("template" not in fields and "variables" not in fields):
        return fields
    rest = {name: value for name, value in fields.items() if name not in ("template", "variables")}
    named = fields.get("template")
    if not isinstance(named, str) or not named.strip():
        raise Invalid("template", "must be the name or id of a template, where there are variables")
    if rest.get("prompt"):
        raise Invalid("prompt", "comes from the template; leave it out, or leave the template out")
    return {**rest, "prompt": _filled(_resolved(session, named.strip()), fields.get("variables"))}


def _resolved(session: Session, named: str) -> tables.PromptTemplate:
    try:
        found = templates.find(session, UUID(named))
    except ValueError:
        found = templates.find_named(session, named[:NAME_LIMIT])
    if found is None:
        raise Invalid("template", f"there is no template {named[:60]!r}; see the page Templates")
    return found


def _filled(template: tables.PromptTemplate, values: object) -> str:
    given = values if values is not None else {}
    if not isinstance(given, Mapping):
        raise Invalid("variables", "must be an object of names and texts")
    return fill_in(template.prompt, templates.variables_of(template), given)


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    refuse_unknown(fields, _FIELDS)
    prompt = _text(fields.get("prompt"), "prompt", PROMPT_LIMIT, is_long=True)
    if not prompt:
        raise Invalid("prompt", "is empty; write what is to be done, with {{variables}} where it differs")
    name = _text(fields.get("name"), "name", NAME_LIMIT)
    if not name:
        raise Invalid("name", "is empty; say what the template is called, such as upgrade a library")
    return {
        "name": name,
        "description": _text(fields.get("description"), "description", DESCRIPTION_LIMIT, is_long=True),
        "prompt": prompt,
        "variables": [asdict(one) for one in _variables(fields.get("variables"), names_in(prompt))],
    }


def _variables(value: object, names: list[str]) -> list[Variable]:
    """Every blank of the prompt, as it is described or by its name alone."""
    if value is not None and not isinstance(value, (list, tuple)):
        raise Invalid("variables", "must be a list")
    described: dict[str, Variable] = {}
    for index, one in enumerate(value or ()):
        variable = _variable(one, f"variables[{index}]")
        if variable.name not in names:
            raise Invalid(f"variables[{index}].name", f"{{{{{variable.name}}}}} is not in the prompt")
        if variable.name in described:
            raise Invalid(f"variables[{index}].name", "is described twice")
        described[variable.name] = variable
    return [described.get(name, Variable(name)) for name in names]


def _variable(value: object, field: str) -> Variable:
    if not isinstance(value, Mapping):
        raise Invalid(field, "must be an object with a name")
    refuse_unknown(value, _VARIABLE_FIELDS)
    is_long, choices = value.get("is_long") or False, value.get("choices") or ()
    if not isinstance(is_long, bool):
        raise Invalid(f"{field}.is_long", "must be true or false")
    if not isinstance(choices, (list, tuple)) or len(choices) > CHOICES_LIMIT:
        raise Invalid(f"{field}.choices", f"must be a list of at most {CHOICES_LIMIT} texts")
    given = tuple(dict.fromkeys(_text(one, f"{field}.choices", CHOICE_LENGTH) for one in choices))
    default = _text(value.get("default"), f"{field}.default", DEFAULT_LIMIT, is_long=is_long)
    if given and default and default not in given:
        raise Invalid(f"{field}.default", "must be one of its choices")
    name = _text(value.get("name"), f"{field}.name", 40)
    return Variable(name, _text(value.get("label"), f"{field}.label", LABEL_LIMIT), default, given, is_long)


def _text(value: object, field: str, most: int, *, is_long: bool = False) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(field, "must be text")
    text = value.strip()
    if len(text) > most:
        raise Invalid(field, f"has {len(text):,} characters, at most {most:,} are allowed; shorten it")
    if "\x00" in text or (not is_long and not text.isprintable()):
        raise Invalid(field, "must be one line without control characters" if not is_long else "holds a NUL character")
    return text


def _id(template_id: str) -> UUID:
    try:
        return UUID(template_id)
    except ValueError:
        raise _missing(template_id) from None


def _missing(template_id: str) -> NotFound:
    return NotFound(f"No template has the id {template_id[:60]}.")


def _taken(name: str) -> Invalid:
    return Invalid("name", f"{name!r} is taken; choose another")
