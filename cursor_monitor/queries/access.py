"""People, sessions, tokens and the audit log, as pages and the API show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cursor_monitor.domain.access import Actor, Role
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.queries.page import Page, check_limit, decode_cursor, encode_cursor
from cursor_monitor.store import access, audit
from cursor_monitor.store.database import reading


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person."""

    id: str
    email: str
    name: str
    role: str
    provider: str
    is_disabled: bool
    created_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser in which somebody is signed in."""

    id: str
    email: str
    ip: str | None
    user_agent: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token, of which only the beginning can be shown."""

    id: str
    name: str
    prefix: str
    role: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Something that somebody did or tried to."""

    id: int
    at: datetime
    actor: str
    kind: str
    action: str
    subject: str | None
    outcome: str
    details: Mapping[str, object]
    ip: str | None


def list_users() -> tuple[UserRow, ...]:
    """Everybody, by address."""
    with reading() as session:
        return tuple(
            UserRow(str(u.id), u.email, u.name, u.role, u.provider, u.is_disabled, u.created_at, u.signed_in_at)
            for u in access.list_users(session)
        )


def list_sessions(actor: Actor) -> tuple[SessionRow, ...]:
    """One's own sessions, for an administrator everybody's; the last seen first."""
    if actor.role is not Role.ADMIN and actor.user_id is None:
        return ()
    with reading() as session:
        return tuple(
            SessionRow(
                id=str(s.id),
                email=email,
                ip=s.ip,
                user_agent=s.user_agent,
                created_at=s.created_at,
                seen_at=s.seen_at,
                expires_at=s.expires_at,
                is_this=str(s.id) == actor.credential_id,
            )
            for s, email in access.list_sessions(session, _owner(actor))
        )


def list_tokens(actor: Actor) -> tuple[TokenRow, ...]:
    """One's own tokens, for an administrator everybody's; the newest first."""
    if actor.role is not Role.ADMIN and actor.user_id is None:
        return ()
    with reading() as session:
        return tuple(
            TokenRow(
                id=str(t.id),
                name=t.name,
                prefix=t.prefix,
                role=t.role,
                created_by=t.created_by,
                created_at=t.created_at,
                expires_at=t.expires_at,
                used_at=t.used_at,
                revoked_at=t.revoked_at,
            )
            for t in access.list_tokens(session, _owner(actor))
        )


def list_audit(
    *,
    actor: str | None = None,
    action: str | None = None,
    outcome: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AuditRow]:
    """What everybody did, the newest first."""
    position = decode_cursor(cursor, 1)
    before = _number(position[0]) if position else None
    with reading() as session:
        found = audit.page(
            session, actor=actor, action=action, outcome=outcome, before=before, limit=check_limit(limit) + 1
        )
    rows = tuple(
        AuditRow(e.id or 0, e.at, e.actor, e.kind, e.action, e.subject, e.outcome, e.details, e.ip) for e in found
    )
    more = len(rows) > limit
    return Page(rows[:limit], encode_cursor(str(rows[limit - 1].id)) if more else None)


def _owner(actor: Actor) -> UUID | None:
    return None if actor.role is Role.ADMIN or actor.user_id is None else UUID(actor.user_id)


def _number(value: str) -> int:
    if not value.isdecimal() or len(value) > 18:
        raise Invalid("cursor", "is not one that this server gave out; start again without it")
    return int(value)
