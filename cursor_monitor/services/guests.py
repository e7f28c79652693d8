"""People whom another system knows: whether they may come in, as what, and which of ours they are."""

from __future__ import annotations

from sqlmodel import Session

from cursor_monitor.domain.access import Actor, ActorKind, Guests, Identity, Role
from cursor_monitor.domain.errors import Forbidden
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.services import audit
from cursor_monitor.services.auth import Visitor, begin_session
from cursor_monitor.store import access, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

PROVIDER = "supabase"
_NOT_INVITED = "You are who you say, but you may not come in here. Ask an administrator of this server to add you."
_UNPROVEN = (
    "Supabase has not seen that this address is yours. Come in with a link by mail the first time; "
    "or have the project confirm addresses."
)
_IS_LOCAL = "This address has a password of this server; sign in with that."
_IS_OTHER = (
    "This address belongs to another account of Supabase here. An administrator can shut it out and let it in again, "
    "which lets the present one take its place."
)


@transactional
def may_come(session: Session, email: str, guests: Guests) -> tuple[bool, bool]:
    """Whether somebody with that address may come in with Supabase, and whether without having been added."""
    user = access.find_by_email(session, email)
    is_guest = guests.role_of(email) is not None
    if user is None:
        return is_guest, is_guest
    may = user.provider == PROVIDER and not user.is_disabled
    return may, may and user.subject is None


@transactional
def admit(session: Session, identity: Identity, guests: Guests, visitor: Visitor) -> str:
    """The key of a new session; Forbidden where this person may not come in."""
    user = access.find_by_subject(session, identity.subject) or _first_time(session, identity, guests, visitor)
    if user.is_disabled:
        raise Forbidden(_NOT_INVITED, code="not_invited")
    return begin_session(session, user, visitor, "sign-in")


def _first_time(session: Session, identity: Identity, guests: Guests, visitor: Visitor) -> tables.User:
    """Bind an identity to who has its address, or make somebody of it; only with an address that is theirs."""
    access.lock_admins(session)
    user = access.find_by_email(session, identity.email)
    if user is not None and user.subject == identity.subject:
        return user  # another request of the same person was faster
    role = guests.role_of(identity.email)
    if (user is None and role is None) or (user is not None and user.is_disabled):
        raise Forbidden(_NOT_INVITED, code="not_invited")
    if user is not None and user.provider != PROVIDER:
        raise Forbidden(_IS_LOCAL, code="local_account")
    if user is not None and user.subject is not None:
        raise Forbidden(_IS_OTHER, code="other_identity")
    if not identity.is_proven:
        raise Forbidden(_UNPROVEN, code="address_unproven")
    if user is None:
        user = _make(session, identity.email, role or Role.VIEWER, visitor)
    user.subject = identity.subject
    session.flush()
    return user


def _make(session: Session, email: str, role: Role, visitor: Visitor) -> tables.User:
    user = tables.User(
        id=mint_uuid7(),
        email=email,
        name=email.partition("@")[0][:80],
        role=str(role),
        provider=PROVIDER,
        created_at=database_now(session),
    )
    session.add(user)
    session.flush()
    audit.note(session, Actor(ActorKind.SESSION, email, role, ip=visitor.ip), "user added", email, role=role)
    return user
