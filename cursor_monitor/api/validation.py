"""What pydantic found, in words that say where it is and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MEND = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request; remove it or check its spelling",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "value_error": "{error}",
}
_PARTS = ("body", "query", "path", "header")


def problems_of(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each error as `field` (a path such as `tasks[1].prompt`) and `message`."""
    return [{"field": _field(error["loc"]), "message": _message(error)} for error in errors]


def is_malformed_json(errors: Sequence[Mapping[str, Any]]) -> bool:
    """True where the body could not be read as JSON at all."""
    return any(error["type"] == "json_invalid" for error in errors)


def _field(location: Sequence[str | int]) -> str:
    path = location[1:] if len(location) > 1 and location[0] in _PARTS else location
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _message(error: Mapping[str, Any]) -> str:
    template = _MEND.get(error["type"])
    if template is None:
        return str(error["msg"])
    return template.format(**error.get("ctx", {}))
