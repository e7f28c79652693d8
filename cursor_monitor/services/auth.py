"""Coming in: signing in and out, and who a session or a token belongs to."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.access import (
    PASSWORD_MOST,
    Actor,
    ActorKind,
    Role,
    check_password,
    parse_email,
    parse_name,
)
from cursor_monitor.domain.errors import Conflict, Invalid, TooMany, Unauthorized
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.services import audit
from cursor_monitor.services.identities import forget_identities
from cursor_monitor.services.passwords import hash_password, is_outdated, verify_password
from cursor_monitor.store import access, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

ACCOUNT_TRIES, ACCOUNT_SECONDS = 10, 900
ADDRESS_TRIES, ADDRESS_SECONDS = 30, 600
WRONG = "The e-mail address or the password is not right."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose browser asks."""

    ip: str | None = None
    user_agent: str | None = None


def is_set_up() -> bool:
    """True once there is anybody who could sign in."""
    return _has_users()


def sign_in(email: str, password: str, visitor: Visitor) -> str:
    """The key of a new session; Unauthorized, TooMany or Unavailable where there is none."""
    try:
        known = parse_email(email)
    except Invalid:
        known = ""
    count_try(known or email, visitor)
    user_id, kept = _find_password(known)
    if not verify_password(kept, password[: PASSWORD_MOST + 1]) or user_id is None:
        actor = _stranger(known if user_id is not None else "unknown", visitor)
        audit.record(actor, "sign-in", outcome=audit.REFUSED)
        raise Unauthorized(WRONG, code="wrong_credentials")
    better = hash_password(password) if kept and is_outdated(kept) else None
    return _admit(user_id, kept, better, visitor)


def set_up(email: str, name: str, password: str, visitor: Visitor) -> str:
    """Make the first administrator and sign them in; Conflict once there is anybody."""
    count_try("first administrator", visitor)
    chosen = parse_email(email)
    user_id = make_first_admin(chosen, name or chosen.partition("@")[0], password)
    if user_id is None:
        raise Conflict("Somebody has set up this server already; sign in instead.", code="already_set_up")
    return _admit(user_id, None, None, visitor)


def make_first_admin(email: str, name: str, password: str) -> UUID | None:
    """Make an administrator where there is nobody yet; None where there is somebody, also where another was faster."""
    chosen = parse_email(email)
    called = parse_name(name)
    hashed = hash_password(check_password(password, chosen))
    return _insert_first(chosen, called, hashed)


def sign_out(key: str) -> None:
    """End the session of this key, if it lives."""
    _sign_out(fingerprint(key))
    forget_identities()


def count_try(account: str | None, visitor: Visitor) -> None:
    """Count a try to sign in before it is looked at, so that many at once are no way round; TooMany over the limit."""
    wait = _count_try(f"account:{fingerprint(account)}" if account else None, f"address:{_network(visitor.ip)}")
    if wait:
        minutes = -(-wait // 60)
        raise TooMany(f"Too many tries to sign in; try again in {minutes} min.", retry_after=wait)


def fingerprint(key: str) -> str:
    """What is kept of a key: it has 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def begin_session(session: Session, user: tables.User, visitor: Visitor, action: str) -> str:
    """The key of a new session of somebody who showed who they are; ends what was counted against them."""
    access.forgive(session, f"account:{fingerprint(user.email)}")
    key = secrets.token_urlsafe(32)
    agent = audit.plain(visitor.user_agent) if visitor.user_agent else None
    session_id = mint_uuid7()
    hours = access.SESSION_HOURS if user.provider == "local" else access.ELSEWHERE_HOURS
    values = {"id": session_id, "hash": fingerprint(key), "user_id": user.id, "ip": visitor.ip, "user_agent": agent}
    access.open_session(session, hours=hours, **values)
    actor = Actor(ActorKind.SESSION, user.email, Role(user.role), str(user.id), str(session_id), visitor.ip)
    audit.note(session, actor, action)
    return key


@transactional
def _has_users(session: Session) -> bool:
    return access.count_users(session) > 0


@transactional
def _find_password(session: Session, email: str) -> tuple[UUID | None, str | None]:
    user = access.find_by_email(session, email) if email else None
    if user is None or user.is_disabled:
        return None, None
    return user.id, user.password_hash


@transactional
def _admit(session: Session, user_id: UUID, checked: str | None, better: str | None, visitor: Visitor) -> str:
    user = access.find_user(session, user_id)
    # What was checked outside the transaction must still hold.
    if user is None or user.is_disabled or (checked is not None and user.password_hash != checked):
        raise Unauthorized(WRONG, code="wrong_credentials")
    if better is not None:
        user.password_hash = better
    return begin_session(session, user, visitor, "sign-in")


@transactional
def _insert_first(session: Session, email: str, name: str, hashed: str) -> UUID | None:
    access.lock_admins(session)
    if access.count_users(session):
        return None
    now = database_now(session)
    user = tables.User(
        id=mint_uuid7(), email=email, name=name, role=Role.ADMIN.value, password_hash=hashed, created_at=now
    )
    session.add(user)
    session.flush()
    audit.note(session, Actor(ActorKind.LOCAL, email, Role.ADMIN), "first administrator", email)
    return user.id


@transactional
def _sign_out(session: Session, token_hash: str) -> None:
    found = access.find_session(session, token_hash)
    if access.end_session(session, token_hash) is not None and found is not None:
        audit.note(session, Actor(ActorKind.SESSION, found.name, Role(found.role)), "sign-out")


@transactional
def _count_try(session: Session, account: str | None, address: str) -> int:
    """The seconds to wait; 0: none. The keys are always taken in one order, against deadlocks."""
    tries, seconds = access.try_again(session, account, seconds=ACCOUNT_SECONDS) if account else (0, 0)
    others, elsewhere = access.try_again(session, address, seconds=ADDRESS_SECONDS)
    return max(seconds if tries > ACCOUNT_TRIES else 0, elsewhere if others > ADDRESS_TRIES else 0)


def _network(ip: str | None) -> str:
    """What one visitor can be told apart by: of an IPv6 address the /64, all of which is one's own."""
    address = ip or "unknown"
    return ":".join(address.split(":")[:4]) if address.count(":") > 3 else address


def _stranger(name: str, visitor: Visitor) -> Actor:
    return Actor(ActorKind.SESSION, name, Role.VIEWER, ip=visitor.ip)
