"""Passwords: argon2id, a few at a time, and as slow for an account that does not exist."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cursor_monitor.domain.errors import TooMany

# RFC 9106's second recommendation asks for 64 MiB and 3 passes.
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
_AT_ONCE, _IN_ALL = 2, 8
_working = threading.BoundedSemaphore(_AT_ONCE)
_room = threading.BoundedSemaphore(_IN_ALL)


def hash_password(password: str) -> str:
    """The hash to keep."""
    with _turn():
        return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """True where the password is right; takes as long where there is no hash."""
    with _turn():
        try:
            return _hasher.verify(password_hash or _nobodys_hash(), password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """True where it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@contextmanager
def _turn() -> Iterator[None]:
    """One of few who compute at once, so that tries to sign in leave the processor to others."""
    if not _room.acquire(blocking=False):
        raise TooMany("Too many people sign in at this moment; try again in a few seconds.", retry_after=5)
    try:
        with _working:
            yield
    finally:
        _room.release()


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("the password of nobody")
