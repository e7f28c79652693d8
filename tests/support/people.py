"""People and programs of each role, for tests of a server that asks who is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from cursor_monitor.domain.access import LOCAL, Role
from cursor_monitor.services import auth, tokens
from cursor_monitor.services.auth import Visitor
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.identities import forget_identities
from cursor_monitor.services.session_keys import PLAIN_NAME
from tests.support.postgres import ask

PASSWORD = "seven blue kettles sing"
_INSERT: LiteralString = (
    "INSERT INTO users (id, email, name, role, password_hash) VALUES (gen_random_uuid(), %s, %s, %s, %s) RETURNING id"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a session."""

    id: str
    email: str
    role: Role
    key: str

    @property
    def cookie(self) -> dict[str, str]:
        """The headers of a page's own request."""
        return {"Cookie": f"{PLAIN_NAME}={self.key}", "X-Requested-With": "test"}


def add_person(url: str, role: Role, email: str | None = None) -> Person:
    """Somebody of that role, signed in."""
    address = email or f"{role}@example.com"
    user_id = ask(url, _INSERT, (address, str(role), str(role), cheap_hash()))[0][0]
    key = auth._admit(user_id, None, None, Visitor("10.1.1.1", "test"))  # pyright: ignore[reportPrivateUsage]
    return Person(str(user_id), address, role, key)


def bearer(role: Role, days: int = 1) -> dict[str, str]:
    """The headers of a program with a token of that role."""
    with acting_as(LOCAL):
        made = tokens.create_token(f"a {role}", str(role), days)
    forget_identities()
    return {"Authorization": f"Bearer {made.token}"}


def cheap_hash() -> str:
    """A hash of PASSWORD that costs next to nothing to check."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
