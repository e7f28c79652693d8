"""Refusals: one exception, and the shapes in which v1 and v0 put it on the wire."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request that is refused with an HTTP status, a machine-readable code and a message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def invalid(message: str) -> ApiError:
    """400 validation_error."""
    return ApiError(400, "validation_error", message)


def error_body(path: str, code: str, message: str) -> dict[str, object]:
    """The envelope of the API that `path` belongs to: v1 nests, v0 is flat, the code host says `message`."""
    if path.startswith("/v0/"):
        return {"error": message}
    if path.startswith("/github"):
        return {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return {"error": {"code": code, "message": message}}
