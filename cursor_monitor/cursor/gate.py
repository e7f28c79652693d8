"""Who may send a request to Cursor and when: asked before each request, told of each answer."""

from __future__ import annotations

from typing import Protocol

from cursor_monitor.cursor.errors import CursorError
from cursor_monitor.cursor.limits import RateLimits

EVERYTHING = "api"
_OWN_LIMITS = (("/v1/repositories", "repositories"), ("/artifacts", "artifacts"))


class Gate(Protocol):
    """Keeps all who use one key within its limits."""

    async def enter(self, endpoint: str) -> None:
        """Let one request pass, or raise Throttled with the seconds until it may be asked for again."""
        ...

    async def learn(self, endpoint: str, status: int, limits: RateLimits | None) -> None:
        """Take note of what an answer said about limits."""
        ...


class Witness(Protocol):
    """Is told what came of each request, so that somebody knows how the key stands."""

    async def succeeded(self, *, starts_work: bool) -> None:
        """Cursor did what was asked: it launched an agent or sent it a prompt, or something that costs nothing."""
        ...

    async def refused(self, error: CursorError) -> None:
        """Cursor refused."""
        ...


class OpenGate(Gate):
    """Lets everything pass."""

    async def enter(self, endpoint: str) -> None:
        return None

    async def learn(self, endpoint: str, status: int, limits: RateLimits | None) -> None:
        return None


def endpoint_of(path: str) -> str:
    """The class of endpoints that a path belongs to: those with a limit of their own, and the rest."""
    return next((name for part, name in _OWN_LIMITS if part in path), EVERYTHING)
