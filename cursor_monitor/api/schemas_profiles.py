"""What the API reads and answers about repository profiles."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cursor_monitor.api.bodies import Body, OptionsBody, Text
from cursor_monitor.api.schemas_base import Answer, Time

_NAMES: dict[str, Any] = {"maxItems": 100}


def _names(description: str) -> Any:
    return Field(default=None, description=description, json_schema_extra=_NAMES)


class ProfileBody(Body):
    """The rules for some repositories; what is absent is no rule."""

    pattern: Text = Field(
        description="A repository or a pattern of them: acme/web, acme/*, gitlab.com/group/*, or * for all.",
        json_schema_extra={"minLength": 1, "maxLength": 255},
    )
    base_branches: list[Text] | None = _names("Branches or patterns that agents may start from.")
    protected_branches: list[Text] | None = _names("Branches or patterns that no agent may push to.")
    protected_paths: list[Text] | None = _names("Files, folders or patterns that no accepted work may change.")
    required_checks: list[Text] | None = _names("Checks that must have passed before work is accepted.")
    max_parallel_agents: int | None = Field(
        default=None,
        description="Tasks at work at once in each of them, over all orchestrations.",
        json_schema_extra={"minimum": 1, "maximum": 10_000},
    )
    default_model: Text | None = Field(default=None, description="Where a request names none.")
    default_options: OptionsBody | None = Field(default=None, description="Where a request does not say otherwise.")


class Profile(Answer):
    """The rules for some repositories; empty lists and null are no rule."""

    id: str
    pattern: str
    base_branches: list[str]
    protected_branches: list[str]
    protected_paths: list[str]
    required_checks: list[str]
    max_parallel_agents: int | None
    default_model: str | None
    default_options: dict[str, Any]
    changed_by: str
    created_at: Time
    updated_at: Time
