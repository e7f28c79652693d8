"""People: add, give a role, shut out and let in, give a new password; the last administrator stays."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.access import Role, check_password, parse_email, parse_name, parse_role
from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.services import audit
from cursor_monitor.services.auth import fingerprint
from cursor_monitor.services.caller import current_caller, require
from cursor_monitor.services.identities import forget_identities
from cursor_monitor.services.passwords import hash_password, verify_password
from cursor_monitor.services.tuning import current
from cursor_monitor.store import access, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now


def add_user(email: str, name: str, role: str, password: str) -> str:
    """Add a person, who signs in with a password or, without one, with Supabase; returns the id."""
    require(Role.ADMIN)
    address = parse_email(email)
    called = parse_name(name or address.partition("@")[0])
    given = parse_role(role)
    if not password and current().has_supabase:
        return str(_add(address, called, given, None))
    return str(_add(address, called, given, hash_password(check_password(password, address))))


def change_user(user_id: str, *, role: str | None = None, is_disabled: bool | None = None) -> None:
    """Give another role, shut out or let in again; who is shut out loses every session at once."""
    require(Role.ADMIN)
    _change(parse_id(user_id), parse_role(role) if role is not None else None, is_disabled)
    forget_identities()


def reset_password(user_id: str, password: str) -> None:
    """Give a person a new password, end their sessions and forget their failed tries."""
    require(Role.ADMIN)
    found = parse_id(user_id)
    email = _email_of(found)
    _set_password(found, hash_password(check_password(password, email)), "password reset")
    forget_identities()


def change_password(old: str, new: str) -> None:
    """Change one's own password, which ends one's sessions everywhere."""
    actor = current_caller()
    if actor.user_id is None:
        raise Conflict("This session belongs to nobody who has a password.", code="no_password")
    found = UUID(actor.user_id)
    kept = _password_of(found)
    if kept is None:
        raise Conflict("Your password is kept elsewhere; change it there.", code="no_password")
    if not verify_password(kept, old):
        raise Invalid("old_password", "is not right")
    _set_password(found, hash_password(check_password(new, actor.name, "new_password")), "password change")
    forget_identities()


def end_session(session_id: str) -> None:
    """End a session: one's own, an administrator anybody's."""
    actor = current_caller()
    owner = None if actor.role is Role.ADMIN else actor.user_id or ""
    if owner == "":
        raise NotFound("There is no such session.")
    _end_session(parse_id(session_id), owner)
    forget_identities()


def find_id(email: str) -> str:
    """The id of the person with that address; NotFound where there is none."""
    return str(_find_id(parse_email(email)))


def parse_id(value: str) -> UUID:
    """An id; NotFound for what cannot be one."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound("Nothing has that id.") from None


@transactional
def _add(session: Session, email: str, name: str, role: Role, hashed: str | None) -> UUID:
    access.lock_admins(session)
    if access.find_by_email(session, email) is not None:
        raise Conflict(f"There is a user {email} already.", code="user_exists")
    now = database_now(session)
    provider = "local" if hashed else "supabase"
    known = {"email": email, "name": name, "role": str(role), "password_hash": hashed, "provider": provider}
    user = tables.User(id=mint_uuid7(), created_at=now, **known)
    session.add(user)
    audit.note(session, current_caller(), "user added", email, role=role)
    return user.id


@transactional
def _change(session: Session, user_id: UUID, role: Role | None, is_disabled: bool | None) -> None:
    access.lock_admins(session)
    user = _found(session, user_id)
    before = (user.role, user.is_disabled)
    user.role = str(role) if role is not None else user.role
    user.is_disabled = is_disabled if is_disabled is not None else user.is_disabled
    session.flush()
    was_admin = before == (str(Role.ADMIN), False)
    if was_admin and not access.count_admins(session):
        raise Conflict("Somebody must be an administrator; make another one first.", code="last_admin")
    if user.is_disabled:
        access.end_sessions_of(session, user_id)
        user.subject = None  # let in again, they show anew that the address is theirs
    details = {"role": f"{before[0]} > {user.role}", "disabled": f"{before[1]} > {user.is_disabled}"}
    audit.note(session, current_caller(), "user changed", user.email, **details)


@transactional
def _set_password(session: Session, user_id: UUID, hashed: str, action: str) -> None:
    user = _found(session, user_id)
    if user.provider != "local":
        raise Conflict(f"{user.email} signs in with Supabase; the password is kept there.", code="no_password")
    user.password_hash = hashed
    access.end_sessions_of(session, user_id)
    access.forgive(session, f"account:{fingerprint(user.email)}")
    audit.note(session, current_caller(), action, user.email)


@transactional
def _end_session(session: Session, session_id: UUID, owner: str | None) -> None:
    if not access.end_one_session(session, session_id, owner):
        raise NotFound("There is no such session.")
    audit.note(session, current_caller(), "session ended", str(session_id))


@transactional
def _email_of(session: Session, user_id: UUID) -> str:
    return _found(session, user_id).email


@transactional
def _password_of(session: Session, user_id: UUID) -> str | None:
    return _found(session, user_id).password_hash


@transactional
def _find_id(session: Session, email: str) -> UUID:
    user = access.find_by_email(session, email)
    if user is None:
        raise NotFound(f"There is no user {email}.")
    return user.id


def _found(session: Session, user_id: UUID) -> tables.User:
    user = access.find_user(session, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return user
