"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.access import TOKEN_DAYS_MOST, Role, parse_name, parse_role
from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.services import audit
from cursor_monitor.services.auth import fingerprint
from cursor_monitor.services.caller import current_caller, forbidden
from cursor_monitor.services.identities import TOKEN_PREFIX, forget_identities
from cursor_monitor.services.users import parse_id
from cursor_monitor.store import access, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

SHOWN_CHARACTERS = 10
DEFAULT_DAYS = 90


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the one moment when it is known."""

    id: str
    token: str


def create_token(name: str, role: str, days: int = DEFAULT_DAYS) -> NewToken:
    """Make a token for a program; it can never do more than who made it."""
    called, given = parse_name(name), parse_role(role)
    if not 1 <= days <= TOKEN_DAYS_MOST:
        raise Invalid("days", f"must be from 1 to {TOKEN_DAYS_MOST}")
    actor = current_caller()
    if not actor.role.includes(given):
        raise forbidden(actor, given)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return NewToken(str(_create(called, given, days, token)), token)


def revoke_token(token_id: str) -> None:
    """End a token at once: one's own, an administrator anybody's."""
    actor = current_caller()
    owner = None if actor.role is Role.ADMIN else actor.user_id
    if owner is None and actor.role is not Role.ADMIN:
        raise NotFound("There is no such token.")
    _revoke(parse_id(token_id), owner)
    forget_identities()


@transactional
def _create(session: Session, name: str, role: Role, days: int, token: str) -> UUID:
    actor, now = current_caller(), database_now(session)
    made = tables.ApiToken(
        id=mint_uuid7(),
        name=name,
        prefix=token[:SHOWN_CHARACTERS],
        token_hash=fingerprint(token),
        role=str(role),
        user_id=UUID(actor.user_id) if actor.user_id else None,
        created_by=actor.name,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(made)
    audit.note(session, actor, "token created", name, role=role, days=days, prefix=made.prefix)
    return made.id


@transactional
def _revoke(session: Session, token_id: UUID, owner: str | None) -> None:
    name = access.revoke_token(session, token_id, owner)
    if name is None:
        raise NotFound("There is no such token, or it is revoked already.")
    audit.note(session, current_caller(), "token revoked", name)
