"""Reading the repository profiles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cursor_monitor.domain.errors import NotFound
from cursor_monitor.store import profiles as store
from cursor_monitor.store import tables
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One profile; empty lists and None are no rule."""

    id: str
    pattern: str
    base_branches: tuple[str, ...]
    protected_branches: tuple[str, ...]
    protected_paths: tuple[str, ...]
    required_checks: tuple[str, ...]
    max_parallel_agents: int | None
    default_model: str | None
    default_options: dict[str, Any]
    changed_by: str
    created_at: datetime
    updated_at: datetime


def list_profiles() -> tuple[ProfileRow, ...]:
    """Every profile, by pattern."""
    with reading() as session:
        return tuple(_row(one) for one in store.select_all(session))


def get_profile(profile_id: str) -> ProfileRow:
    """One profile; raises NotFound."""
    with reading() as session:
        try:
            found = store.find(session, UUID(profile_id))
        except ValueError:
            found = None
        if found is None:
            raise NotFound(f"No profile has the id {profile_id[:60]}.")
        return _row(found)


def _row(one: tables.RepositoryProfile) -> ProfileRow:
    rules = store.profile_of(one)
    return ProfileRow(
        id=str(one.id),
        pattern=rules.shown,
        base_branches=rules.base_branches,
        protected_branches=rules.protected_branches,
        protected_paths=rules.protected_paths,
        required_checks=rules.required_checks,
        max_parallel_agents=rules.max_parallel_agents,
        default_model=rules.default_model,
        default_options=dict(rules.default_options),
        changed_by=one.changed_by,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )
