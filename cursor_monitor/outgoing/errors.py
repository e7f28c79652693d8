"""Why something could not be delivered."""

from __future__ import annotations


class DeliveryError(Exception):
    """Not delivered: `is_final` where another try would end the same; the message holds no address and no secret."""

    def __init__(self, message: str, *, is_final: bool = False, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.is_final = is_final
        self.after_seconds = after_seconds
