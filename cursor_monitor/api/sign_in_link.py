"""The cookie that binds a sign-in link to the browser that asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, unquote

from starlette.responses import Response

_SECONDS = 3600
_TARGET_MOST = 400


class LinkCookie:
    """Keeps the secret half of a link, and where its owner wanted to go, out of reach for scripts."""

    def __init__(self, *, is_secure: bool) -> None:
        self._is_secure = is_secure
        self._name = "__Host-cursor_monitor_link" if is_secure else "cursor_monitor_link"

    def give(self, response: Response, verifier: str, target: str) -> None:
        """Set it for the hour in which a link works."""
        value = f"{verifier}.{quote(target[:_TARGET_MOST], safe='')}"
        response.set_cookie(
            self._name, value, max_age=_SECONDS, path="/", secure=self._is_secure, httponly=True, samesite="lax"
        )

    def take(self, response: Response) -> None:
        """Remove it: a link works once."""
        response.delete_cookie(self._name, path="/", secure=self._is_secure, httponly=True, samesite="lax")

    def read(self, headers: Mapping[str, str]) -> tuple[str, str] | None:
        """The secret half, and where to go; None where this browser asked for no link."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._name)
        except CookieError:
            return None
        verifier, dot, target = found.value.partition(".") if found else ("", "", "")
        return (verifier, unquote(target)) if dot and verifier else None
