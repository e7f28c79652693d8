"""What a question to Supabase can end in, without a password, a token or an address."""

from __future__ import annotations


class SupabaseError(Exception):
    """`kind`: `refused` (the credentials), `busy` (ask later), `away` (out of reach), `wrong` (cannot be trusted)."""

    def __init__(self, kind: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
