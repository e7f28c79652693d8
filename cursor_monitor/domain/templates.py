"""Prompts with blanks: which variables a text has, and the text once they are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cursor_monitor.domain.errors import Invalid

VARIABLES_LIMIT = 30
LABEL_LIMIT, DEFAULT_LIMIT, VALUE_LIMIT = 100, 2000, 20_000
CHOICES_LIMIT, CHOICE_LENGTH = 30, 200
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BLANK = re.compile(r"(\\)?\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """One blank of a template, and what its form shows."""

    name: str
    label: str = ""
    default: str = ""
    choices: tuple[str, ...] = ()  # only one of these, where there are any
    is_long: bool = False  # several lines

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.label or self.name.replace("_", " ")


def names_in(prompt: str) -> list[str]:
    """The variables of a prompt in the order of their first place; raises Invalid for a blank that is none."""
    found: dict[str, None] = {}
    for match in _BLANK.finditer(prompt):
        escaped, inside = match[1], match[2].strip()
        if escaped:
            continue
        if not NAME.fullmatch(inside):
            raise Invalid(
                "prompt",
                f"{{{{{match[2][:40]}}}}} is no variable: small letters, digits and _, such as {{{{component}}}}; "
                "write \\{{ where two braces are meant",
            )
        found[inside] = None
    if len(found) > VARIABLES_LIMIT:
        raise Invalid("prompt", f"has {len(found)} variables, at most {VARIABLES_LIMIT} are allowed")
    return list(found)


def fill_in(prompt: str, variables: tuple[Variable, ...], values: Mapping[str, object]) -> str:
    """The prompt with every blank filled in, by its default where no value is given; a value is never read as a
    template itself. Raises Invalid naming `variables.NAME`."""
    known = {variable.name: variable for variable in variables}
    for name in values:
        if name not in known:
            raise Invalid(
                f"variables.{str(name)[:40]}", f"is none of this template's: {', '.join(known) or 'it has none'}"
            )
    filled = {name: _value(variable, values.get(name)) for name, variable in known.items()}
    return _BLANK.sub(lambda match: match[0][1:] if match[1] else filled[match[2].strip()], prompt)


def _value(variable: Variable, given: object) -> str:
    field = f"variables.{variable.name}"
    if given is not None and not isinstance(given, str):
        raise Invalid(field, "must be text")
    text = (given or "").strip() or variable.default
    if not text:
        raise Invalid(field, f"is empty; say what goes into {{{{{variable.name}}}}}")
    if len(text) > VALUE_LIMIT:
        raise Invalid(field, f"has {len(text):,} characters, at most {VALUE_LIMIT:,} are allowed; shorten it")
    if "\x00" in text:
        raise Invalid(field, "holds a NUL character, which Postgres cannot keep; remove it")
    if variable.choices and text not in variable.choices:
        raise Invalid(field, f"must be one of {', '.join(variable.choices)[:300]}")
    if not variable.is_long and "\n" in text:
        raise Invalid(field, "must be one line")
    return text
