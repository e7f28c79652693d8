"""What can go wrong with a question to the code host, sorted by what has to happen next."""

from __future__ import annotations

from typing import Literal

Kind = Literal["token", "access", "limited", "unavailable"]
"""The token is refused; it may not see this, or it is not there; wait; try again."""


class CodeHostError(Exception):
    """A question that was not answered; `retry_after` in seconds, where the code host says so."""

    def __init__(self, kind: Kind, message: str, *, status: int | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after

    @property
    def is_missing(self) -> bool:
        """True where the code host says that there is no such thing, or none that the token may see."""
        return self.status in (404, 410)

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"
