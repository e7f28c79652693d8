"""Every refusal and failure in one shape: `{"error": {"code", "message", "details"?}}`."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cursor_monitor.api.validation import is_malformed_json, problems_of
from cursor_monitor.domain.errors import (
    AppError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthorized,
    Unavailable,
)

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
MALFORMED_JSON = "The body is not valid JSON; check for a missing quote, comma or bracket."


class UnsupportedMediaType(AppError):
    """The body is of a type that is not read here."""

    code = "unsupported_media_type"


_STATUS_OF: dict[type[AppError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Unauthorized: 401,
    Forbidden: 403,
    TooMany: 429,
    Unavailable: 503,
    UnsupportedMediaType: 415,
}
_HTTP_CODES = {
    400: ("invalid_json", MALFORMED_JSON),
    404: ("not_found", "There is nothing at this address; /api/docs lists what there is."),
    405: ("method_not_allowed", "This address does not take that method."),
}


def problem(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for one error."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = dict(details)
    return JSONResponse({"error": error}, status, dict(headers) if headers else None)


def install(app: FastAPI) -> None:
    """Map every error of the application, and FastAPI's own, to the one shape."""
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_middleware(UnexpectedErrors)


class UnexpectedErrors:
    """Answers 500 for what nobody foresaw: the log has the trace, the answer only a reference to it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def watch(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            log.debug("client left", extra={"path": scope.get("path")})
        except Exception:
            answer = _unexpected(scope)
            if has_started:
                raise
            await answer(scope, receive, send)


def _unexpected(scope: Scope) -> JSONResponse:
    reference = secrets.token_hex(6)
    log.exception(
        "request failed",
        extra={"reference": reference, "method": scope.get("method"), "path": scope.get("path")},
    )
    message = f"Something went wrong here; the server's log has the details under {reference}."
    return problem(500, "internal_error", message, {"reference": reference})


async def _on_app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101 - registered for AppError alone
    status = next((_STATUS_OF[kind] for kind in type(error).__mro__ if kind in _STATUS_OF), None)
    if status is None:
        return _unexpected(request.scope)
    wait = error.details.get("retry_after", RETRY_AFTER_SECONDS)
    headers = {"Retry-After": str(wait)} if status in (429, 503) else None
    return problem(status, error.code, error.message, error.details, headers)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    if is_malformed_json(error.errors()):
        return problem(400, "invalid_json", MALFORMED_JSON)
    problems = problems_of(error.errors())
    first = problems[0]
    message = f"{first['field']}: {first['message']}"
    return problem(422, Invalid.code, message, {"field": first["field"], "problems": problems})


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    code, message = _HTTP_CODES.get(error.status_code, ("http_error", str(error.detail)))
    return problem(error.status_code, code, message, headers=error.headers)
