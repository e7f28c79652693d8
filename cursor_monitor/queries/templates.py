"""Reading the prompt templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.domain.templates import Variable
from cursor_monitor.store import tables
from cursor_monitor.store import templates as store
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """One template with its variables, in the order of the prompt."""

    id: str
    name: str
    description: str
    prompt: str
    variables: tuple[Variable, ...]
    changed_by: str
    created_at: datetime
    updated_at: datetime


def list_templates() -> tuple[TemplateRow, ...]:
    """Every template, by name."""
    with reading() as session:
        return tuple(_row(one) for one in store.select_all(session))


def get_template(template_id: str) -> TemplateRow:
    """One template; raises NotFound."""
    with reading() as session:
        try:
            found = store.find(session, UUID(template_id))
        except ValueError:
            found = None
        if found is None:
            raise NotFound(f"No template has the id {template_id[:60]}.")
        return _row(found)


def _row(one: tables.PromptTemplate) -> TemplateRow:
    return TemplateRow(
        id=str(one.id),
        name=one.name,
        description=one.description,
        prompt=one.prompt,
        variables=store.variables_of(one),
        changed_by=one.changed_by,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )
