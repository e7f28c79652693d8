"""The cookie of a session: out of reach for scripts, for this site alone, over TLS alone where there is TLS."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.responses import Response

PLAIN_NAME = "cursor_monitor_session"
# A browser takes this name only over TLS, for this host alone.
SECURE_NAME = f"__Host-{PLAIN_NAME}"
_SECONDS = 30 * 24 * 3600


def session_key(headers: Mapping[str, str]) -> str | None:
    """The key in a request's cookies."""
    return key_in(headers.get("cookie", ""))


def key_in(cookies: str) -> str | None:
    """The key in a Cookie header."""
    try:
        found = SimpleCookie(cookies)
    except CookieError:
        return None
    morsel = found.get(SECURE_NAME) or found.get(PLAIN_NAME)
    return morsel.value if morsel and morsel.value else None


def give_session(response: Response, key: str, *, is_secure: bool) -> None:
    """Set the cookie."""
    name = SECURE_NAME if is_secure else PLAIN_NAME
    response.set_cookie(name, key, max_age=_SECONDS, path="/", secure=is_secure, httponly=True, samesite="lax")


def take_session(response: Response, *, is_secure: bool) -> None:
    """Remove the cookie."""
    for name in {PLAIN_NAME, SECURE_NAME if is_secure else PLAIN_NAME}:
        response.delete_cookie(name, path="/", secure=name == SECURE_NAME, httponly=True, samesite="lax")
