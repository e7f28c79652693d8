"""Who acts, and what they may do: roles, and the person or program behind a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from cursor_monitor.domain.errors import Invalid

PASSWORD_LEAST, PASSWORD_MOST = 12, 200
EMAIL_MOST = 254
NAME_MOST = 80
TOKEN_DAYS_MOST = 365

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+"
)


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  # sees everything but accounts of people and the audit log
    OPERATOR = "operator"  # also launches, steers and ends work
    ADMIN = "admin"  # also manages people, tokens, secrets

    def includes(self, other: Role) -> bool:
        """True where this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)

    def least(self, other: Role) -> Role:
        """The lower of the two."""
        return other if self.includes(other) else self


class ActorKind(StrEnum):
    """How somebody showed who they are."""

    LOCAL = "local"  # the open mode of one's own machine
    SESSION = "session"  # signed in with a browser
    TOKEN = "token"  # noqa: S105 - an API token


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may come in: `name` is what events and the audit log call them."""

    kind: ActorKind
    name: str
    role: Role
    user_id: str | None = None
    credential_id: str | None = None
    ip: str | None = None

    @property
    def key(self) -> str:
        """What two requests of one person and credential share."""
        return f"{self.kind}:{self.user_id}:{self.credential_id}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as another system knows them; `is_proven` where the address was shown to be theirs."""

    subject: str
    email: str
    is_proven: bool


@dataclass(frozen=True, slots=True)
class Guests:
    """Who may come in without having been added: addresses, and `@domain` for all of a domain, by role."""

    admins: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()

    def role_of(self, email: str) -> Role | None:
        """What somebody comes in as: an address beats its domain, then the higher role the lower; None: not at all."""
        lists = ((Role.ADMIN, self.admins), (Role.OPERATOR, self.operators), (Role.VIEWER, self.viewers))
        for wanted in (email, f"@{email.rpartition('@')[2]}"):
            for role, entries in lists:
                if wanted in entries:
                    return role
        return None


LOCAL = Actor(ActorKind.LOCAL, "local", Role.ADMIN)
"""Whoever uses a product that opens without a login."""


def parse_role(value: object, field: str = "role") -> Role:
    """The role of that name; Invalid for any other."""
    try:
        return Role(str(value))
    except ValueError:
        raise Invalid(field, f"must be one of {', '.join(Role)}") from None


def parse_email(value: object, field: str = "email") -> str:
    """An address in the one spelling it is kept in; Invalid where it is none."""
    email = str(value or "").strip().lower()
    if len(email) > EMAIL_MOST or not _EMAIL.fullmatch(email):
        raise Invalid(field, "must be an e-mail address, as in ada@example.com")
    return email


def parse_name(value: object, field: str = "name") -> str:
    """A name for people, without line breaks and control characters."""
    name = " ".join(str(value or "").split())
    if not 1 <= len(name) <= NAME_MOST or not name.isprintable():
        raise Invalid(field, f"must have 1 to {NAME_MOST} printable characters")
    return name


def check_password(password: str, email: str, field: str = "password") -> str:
    """The password; Invalid where it is easy to guess."""
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise Invalid(field, f"must have {PASSWORD_LEAST} to {PASSWORD_MOST} characters; a few words make a good one")
    plain = password.lower()
    if len(set(plain)) < 5 or email.partition("@")[0] == plain or email == plain or plain in _COMMON:
        raise Invalid(field, "is easy to guess; a few words that do not belong together make a good one")
    return password


_COMMON = frozenset(
    {
        "administrator",
        "changemeplease",
        "cursor-monitor",
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "iloveyou1234",
        "letmein12345",
        "password1234",
        "password12345",
        "passwordpassword",
        "qwertyuiop12",
        "qwertyuiopasdf",
        "123456789012",
        "1234567890123",
        "12345678901234",
        "welcome12345",
    }
)
