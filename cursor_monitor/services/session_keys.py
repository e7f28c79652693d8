"""Where a browser keeps the key of its session."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

PLAIN_NAME = "cursor_monitor_session"
# A browser takes this name only over TLS, for this host alone.
SECURE_NAME = f"__Host-{PLAIN_NAME}"


def key_in(cookies: str) -> str | None:
    """The key in a Cookie header."""
    try:
        found = SimpleCookie(cookies)
    except CookieError:
        return None
    morsel = found.get(SECURE_NAME) or found.get(PLAIN_NAME)
    return morsel.value if morsel and morsel.value else None
