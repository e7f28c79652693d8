"""Sorts an unsuccessful answer into Retryable, Permanent or OutcomeUnknown, by code before status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cursor_monitor.cursor.errors import (
    KIND_BY_CODE,
    CursorError,
    OutcomeUnknown,
    Permanent,
    Retryable,
    StreamExpired,
    StreamUnavailable,
    kind_of,
)
from cursor_monitor.cursor.fields import PayloadError, optional_text, parse_json

MAX_MESSAGE = 1000

_RATE_LIMIT = "rate_limit_exceeded"
_UNSETTLED_CODES = frozenset({"upstream_error", "internal_error", "client_cancelled"})
_UNSETTLED_STATUSES = frozenset({408, 425, 499})
_CODE_BY_STATUS = {401: "unauthorized", 429: _RATE_LIMIT}
# A repository that the key cannot see any more is called a branch that is not there.
_HIDDEN = re.compile(r"Failed to verify existence of branch")
_CODE_SHAPE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an unsuccessful answer says; `foreign` means that its body is not in the API's words."""

    status: int
    code: str
    message: str
    help_url: str | None = None
    foreign: bool = False


def read_refusal(status: int, body: bytes) -> Refusal:
    """Read any of the four error shapes, an HTML page, plain text or an empty body."""
    try:
        data = parse_json(body)
    except PayloadError:
        data = None
    if not isinstance(data, dict):
        return Refusal(status, _default_code(status), _describe(status, body), foreign=bool(body.strip()))
    error = data.get("error")
    detail = error if isinstance(error, dict) else data
    return Refusal(
        status=status,
        code=_code(detail.get("code")) or _code(error) or _default_code(status),
        message=_message(detail, error) or _describe(status, b""),
        help_url=optional_text(detail, "helpUrl"),
    )


def sort_refusal(refusal: Refusal, *, posted: bool, retry_after: float | None) -> CursorError:
    """The error to raise; `posted` says whether the request may have changed something at Cursor."""
    code, status = refusal.code, refusal.status
    about: dict[str, Any] = {"status": status, "retry_after": retry_after, "help_url": refusal.help_url}
    # 303 means "done, the result is elsewhere"; every other redirect means that nothing was done here.
    if status == 303 and posted:
        return OutcomeUnknown(code, refusal.message, **about)
    if code == "stream_unavailable":
        return StreamUnavailable(code, refusal.message, **about)
    if code == "stream_expired":
        return StreamExpired(code, refusal.message, **about)
    if code == _RATE_LIMIT:
        return Retryable(code, refusal.message, **about)
    if code in KIND_BY_CODE:
        hidden = code == "validation_error" and _HIDDEN.match(refusal.message)
        return Permanent(code, refusal.message, kind="repository" if hidden else None, **about)
    # A page by someone between us and Cursor proves nothing about the agent, not even a 404.
    if _is_unsettled(refusal) or (refusal.foreign and status != 429):
        return (OutcomeUnknown if posted else Retryable)(code, refusal.message, **about)
    if status == 429:
        return Retryable(code, refusal.message, **about)
    return Permanent(code, refusal.message, kind=kind_of(code, status), **about)


def _is_unsettled(refusal: Refusal) -> bool:
    return refusal.status >= 500 or refusal.status in _UNSETTLED_STATUSES or refusal.code in _UNSETTLED_CODES


def _code(value: Any) -> str | None:
    known = isinstance(value, str) and (value in KIND_BY_CODE or _CODE_SHAPE.fullmatch(value))
    return value if known else None


def _default_code(status: int) -> str:
    if 300 <= status < 400:
        return "redirect_refused"
    return _CODE_BY_STATUS.get(status, f"http_{status}")


def _message(detail: dict[str, Any], error: Any) -> str:
    spoken = optional_text(detail, "message") or (error if isinstance(error, str) else "")
    return spoken[:MAX_MESSAGE]


def _describe(status: int, body: bytes) -> str:
    start = body.lstrip()[:200].decode("utf-8", "replace").replace("\0", "\ufffd")
    if start.startswith("<"):
        return f"the server answered {status} with a web page"
    return f"the server answered {status}: {start}" if start else f"the server answered {status}"
