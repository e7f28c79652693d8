"""Who a key belongs to: looked up in the database, remembered for a moment, and a little longer while it is out."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

from sqlmodel import Session

from cursor_monitor.domain.access import Actor, ActorKind, Role
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.store import access
from cursor_monitor.store.access import Credential
from cursor_monitor.store.database import transactional

TOKEN_PREFIX = "cm_"  # noqa: S105
KEY_MOST = 200
REMEMBERED_SECONDS = 2.0
# While the database is out nothing can be read or changed, but open pages go on showing what they show.
WITHOUT_DATABASE_SECONDS = 900.0
_MOST = 10_000

_known: dict[str, tuple[Actor, float]] = {}


def identify_session(key: str, ip: str | None = None) -> Actor | None:
    """The person whose living session this is."""
    return _identify(key, ActorKind.SESSION, ip)


def identify_token(key: str, ip: str | None = None) -> Actor | None:
    """The program whose valid token this is."""
    return _identify(key, ActorKind.TOKEN, ip) if key.startswith(TOKEN_PREFIX) else None


def forget_identities() -> None:
    """Have every key looked up again, after a change of sessions, tokens or people."""
    _known.clear()


def _identify(key: str, kind: ActorKind, ip: str | None) -> Actor | None:
    if not 20 <= len(key) <= KEY_MOST or not key.isascii():
        return None
    hashed = hashlib.sha256(key.encode()).hexdigest()
    known = _known.get(f"{kind}:{hashed}")
    age = time.monotonic() - known[1] if known else 0.0
    if known and age < REMEMBERED_SECONDS:
        return replace(known[0], ip=ip)
    try:
        found = _look_up(hashed, kind is ActorKind.TOKEN)
    except Unavailable:
        if known and age < WITHOUT_DATABASE_SECONDS:
            return replace(known[0], ip=ip)
        raise
    return _remember(f"{kind}:{hashed}", found, kind, ip)


def _remember(name: str, found: Credential | None, kind: ActorKind, ip: str | None) -> Actor | None:
    if found is None:
        _known.pop(name, None)
        return None
    if len(_known) >= _MOST:
        _known.clear()
    role = Role(found.role).least(Role(found.least))
    user_id = str(found.user_id) if found.user_id else None
    actor = Actor(kind, found.name, role, user_id, str(found.credential_id), ip)
    _known[name] = (actor, time.monotonic())
    return actor


@transactional
def _look_up(session: Session, hashed: str, is_token: bool) -> Credential | None:
    return access.find_token(session, hashed) if is_token else access.find_session(session, hashed)
