"""The errors a person or a program may be shown, each with a message fit for them."""

from __future__ import annotations


class AppError(Exception):
    """Base of all: `code` for programs, `message` for people, `details` for both."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details


class Invalid(AppError):
    """The input cannot be used; `field` names where, the message says how to mend it."""

    code = "validation_error"

    def __init__(self, field: str, message: str, *, code: str | None = None) -> None:
        super().__init__(f"{field}: {message}", code=code, field=field)
        self.field = field


class NotFound(AppError):
    """Nothing has that id."""

    code = "not_found"


class Conflict(AppError):
    """The request makes no sense in the present state; the message says why."""

    code = "conflict"


class Unauthorized(AppError):
    """Who asks did not show that they may."""

    code = "unauthorized"


class Forbidden(AppError):
    """Who asks is known, and may not do this."""

    code = "forbidden"


class TooMany(AppError):
    """Too many tries in too short a time; the message says when to try again."""

    code = "too_many_attempts"


class Unavailable(AppError):
    """Something the answer depends on is out of reach; trying again later may work."""

    code = "unavailable"
