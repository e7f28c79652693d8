"""One question to Supabase's sign-in: bounded in time and size, no redirects, errors by kind."""

from __future__ import annotations

import json
from typing import Any

import httpx

from cursor_monitor.supabase.errors import SupabaseError

SECONDS = 10.0
MOST_BYTES = 1_000_000
BUSY_SECONDS = 60


class Wire:
    """Asks under `/auth/v1`, with the key that the project gives to everybody."""

    def __init__(self, url: str, anon_key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.issuer = f"{url.rstrip('/')}/auth/v1"
        headers = {"apikey": anon_key, "Accept": "application/json", "X-Client-Info": "cursor-monitor"}
        self._http = httpx.Client(
            headers=headers, timeout=SECONDS, follow_redirects=False, trust_env=transport is None, transport=transport
        )

    def __repr__(self) -> str:
        return f"<Wire {self.issuer}>"

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, bearer: str | None = None) -> Any:
        """The answer as JSON; SupabaseError for any other."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        try:
            with self._http.stream(method, f"{self.issuer}{path}", json=body, headers=headers) as answer:
                text = _read(answer)
                retry_after = answer.headers.get("retry-after", "")
                return _judge(answer.status_code, text, retry_after)
        except httpx.HTTPError as error:
            raise SupabaseError("away", f"Supabase does not answer ({type(error).__name__}).") from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _read(answer: httpx.Response) -> bytes:
    read = bytearray()
    for part in answer.iter_bytes():
        read += part
        if len(read) > MOST_BYTES:
            raise SupabaseError("away", "Supabase sends an answer that is too large.")
    return bytes(read)


def _judge(status: int, text: bytes, retry_after: str) -> Any:
    if status == 429:
        wait = int(retry_after) if retry_after.isdecimal() and len(retry_after) < 5 else BUSY_SECONDS
        raise SupabaseError("busy", "Supabase takes no more tries at this moment.", retry_after=wait)
    if status >= 500 or 300 <= status < 400:
        raise SupabaseError("away", f"Supabase answers with {status}.")
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError:
        raise SupabaseError("away", f"Supabase answers {status} with something that is not JSON.") from None
    if status >= 400:
        code = found.get("error_code") or found.get("error") if isinstance(found, dict) else None
        short = str(code)[:60] if isinstance(code, str) and code.replace("_", "").isalnum() else str(status)
        raise SupabaseError("refused", f"Supabase refuses ({short}).")
    return found
