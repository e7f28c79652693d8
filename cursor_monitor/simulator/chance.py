"""Repeatable chance: everything the simulator invents follows from the seed and the ids concerned."""

from __future__ import annotations

import hashlib
import random
import uuid


def digest(seed: str, *parts: object) -> bytes:
    """32 bytes that depend on the seed and the parts only."""
    return hashlib.sha256("\x1f".join((seed, *map(str, parts))).encode("utf-8", "surrogatepass")).digest()


def hexdigits(length: int, seed: str, *parts: object) -> str:
    """Lower-case hex digits, at most 64."""
    return digest(seed, *parts).hex()[:length]


def fraction(seed: str, *parts: object) -> float:
    """A number from 0 up to, not including, 1."""
    return int.from_bytes(digest(seed, *parts)[:6], "big") / 2**48


def dice(seed: str, *parts: object) -> random.Random:
    """A generator of its own for one subject."""
    return random.Random(digest(seed, *parts))


def uuid_of(seed: str, *parts: object) -> str:
    """A version 4 UUID in lower case."""
    return str(uuid.UUID(bytes=digest(seed, *parts)[:16], version=4))
