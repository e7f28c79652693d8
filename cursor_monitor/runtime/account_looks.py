"""What `doctor` asks about accounts whose keys are kept in the database: each by itself, with the way to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from cursor_monitor.settings import Settings

ASK_SECONDS = 30


class AccountWrong(Exception):
    """An account that cannot be used, and how to mend it."""

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.finding = (detail, mend)


def stored_accounts(database_url: str) -> Iterator[tuple[str, str, str, str | None]]:
    """Id, name, sealed key and address of each account with a key of its own; none where the database cannot be read.

    What is wrong with the database or its schema is said by the looks at those.
    """
    import psycopg

    query = "SELECT id, name, key_sealed, api_url FROM cursor_accounts WHERE key_sealed IS NOT NULL ORDER BY name"
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            rows = connection.execute(query).fetchall()
    except psycopg.Error:
        rows = []
    yield from rows


def look_at_account(settings: Settings, account_id: str, sealed: str, api_url: str | None) -> str:
    """What Cursor says of its key; raises AccountWrong where it cannot be used."""
    from cursor_monitor.secrets.cipher import SecretError
    from cursor_monitor.secrets.vault import open_vault
    from cursor_monitor.services.clients import open_key

    try:
        open_vault(settings.secret_keys, settings.data_dir)
        key = open_key(account_id, sealed)
    except SecretError as error:
        mend = "put the former master key back, or replace the key under Settings"
        raise AccountWrong(f"its key cannot be decrypted: {error}", mend) from None
    return asyncio.run(_ask(replace(settings, cursor_api_key=key, cursor_api_url=api_url or settings.cursor_api_url)))


async def _ask(settings: Settings) -> str:
    from cursor_monitor.cursor.client import build_client
    from cursor_monitor.cursor.errors import Permanent
    from cursor_monitor.services.account_health import ask_owner

    client = build_client(settings.cursor_api_url, settings.cursor_api_key or "")
    try:
        async with asyncio.timeout(ASK_SECONDS):
            owner = await ask_owner(client)
    except Permanent as error:
        mend = "replace the key under Settings, or have the plan changed at cursor.com/dashboard"
        raise AccountWrong(f"Cursor refuses it: {error}", mend) from None
    finally:
        await client.aclose()
    return f"Cursor accepts the key {owner.key_name!r}"
