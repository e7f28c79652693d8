"""How Cursor last answered: noted at the wire, shown on the Health page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from cursor_monitor.cursor.wire import POOL

_WORDS = {
    401: "Cursor does not accept the API key: put a valid one into CURSOR_API_KEY and restart",
    403: "Cursor's plan or permissions do not allow this: have them changed at Cursor",
    429: "Cursor's rate limit is reached: lower CURSOR_RATE_PER_MINUTE where this stays",
}


@dataclass(slots=True)
class Contact:
    """The newest good answer and the newest bad one; never a URL, a body or a key."""

    ok_at: datetime | None = None
    error_at: datetime | None = None
    error_message: str | None = None

    def note_answer(self, status: int) -> None:
        """An answer came: one that says we may not, or that it cannot, counts as bad."""
        now = datetime.now(UTC)
        if status in (401, 403, 429) or status >= 500:
            self.error_at, self.error_message = now, f"{_WORDS.get(status, 'The last answer was bad')} (HTTP {status})."
        else:
            self.ok_at = now

    def note_failure(self, error: Exception) -> None:
        """No answer came."""
        self.error_at = datetime.now(UTC)
        self.error_message = f"Cursor's API cannot be reached ({type(error).__name__})."

    def facts(self) -> dict[str, Any]:
        """As plain data for a heartbeat."""
        return {
            "ok_at": self.ok_at.isoformat() if self.ok_at else None,
            "error_at": self.error_at.isoformat() if self.error_at else None,
            "error_message": self.error_message,
        }


class ContactTransport(httpx.AsyncBaseTransport):
    """Passes requests on and notes what came of them."""

    def __init__(self, contact: Contact, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._contact = contact
        self._inner = inner or httpx.AsyncHTTPTransport(limits=POOL)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; what it raises is noted and raised."""
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.TransportError as error:
            self._contact.note_failure(error)
            raise
        self._contact.note_answer(response.status_code)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
