"""The cookie of a session: out of reach for scripts, for this site alone, over TLS alone where there is TLS."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from cursor_monitor.services.session_keys import PLAIN_NAME, SECURE_NAME, key_in

_SECONDS = 30 * 24 * 3600


def session_key(headers: Mapping[str, str]) -> str | None:
    """The key in a request's cookies."""
    return key_in(headers.get("cookie", ""))


def give_session(response: Response, key: str, *, is_secure: bool) -> None:
    """Set the cookie."""
    name = SECURE_NAME if is_secure else PLAIN_NAME
    response.set_cookie(name, key, max_age=_SECONDS, path="/", secure=is_secure, httponly=True, samesite="lax")


def take_session(response: Response, *, is_secure: bool) -> None:
    """Remove the cookie."""
    for name in {PLAIN_NAME, SECURE_NAME if is_secure else PLAIN_NAME}:
        response.delete_cookie(name, path="/", secure=name == SECURE_NAME, httponly=True, samesite="lax")
