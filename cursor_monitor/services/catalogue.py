"""The key's owner, Cursor's models and repositories, fetched within its limits and kept for the forms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sqlmodel import Session

from cursor_monitor.cursor.api import CursorApi, Model
from cursor_monitor.cursor.errors import Throttled
from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT, STOPS_EVERYTHING
from cursor_monitor.store import accounts, cache, notices
from cursor_monitor.store.database import reading, transactional

ME_SECONDS = 3600.0
MODELS_SECONDS = 3600.0
REPOSITORIES_SECONDS = 4 * 3600.0  # Cursor allows one call a minute and 30 an hour, and takes tens of seconds


async def refresh(api: CursorApi, source: str, account_id: str = DEFAULT_ACCOUNT) -> None:
    """Fetch what is older than its time or came from another `source`; one worker does it, the others go on."""
    name = partial(cache.account_key, account_id=account_id)
    await _refresh_one(name("me"), ME_SECONDS, source, lambda: _me(api))
    await _refresh_one(name("models"), MODELS_SECONDS, source, lambda: _models(api))
    await _refresh_one(name("repositories"), REPOSITORIES_SECONDS, source, lambda: _repositories(api))


def usable_accounts() -> list[tuple[str, str]]:
    """The accounts whose listings can be asked for, each with a mark that changes with its key."""
    with reading() as session:
        rows = accounts.select_all(session)
        return [(r.id, f"{r.api_url or ''}#{r.key_version}") for r in rows if r.refusal_kind not in STOPS_EVERYTHING]


async def _refresh_one(key: str, seconds: float, source: str, fetch: Callable[[], Awaitable[Any]]) -> None:
    if not await asyncio.to_thread(_claim, key, seconds, source):
        return
    try:
        items = await fetch()
    except Throttled:
        await asyncio.to_thread(_release, key)  # nothing was asked, so the next look may ask
        raise
    await asyncio.to_thread(_keep, key, items)


@transactional
def _claim(session: Session, key: str, seconds: float, source: str) -> bool:
    return cache.claim_refresh(session, key, seconds, source)


@transactional
def _release(session: Session, key: str) -> None:
    cache.release_refresh(session, key)


@transactional
def _keep(session: Session, key: str, items: Any) -> None:
    cache.put(session, key, items)
    notices.announce(session, "catalogue")


async def _me(api: CursorApi) -> dict[str, str | None]:
    account = await api.get_me()
    name = " ".join(part for part in (account.first_name, account.last_name) if part)
    return {"key_name": account.key_name, "email": account.email, "name": name or None}


async def _models(api: CursorApi) -> list[dict[str, Any]]:
    return [_model(model) for model in await api.list_models()]


def _model(model: Model) -> dict[str, Any]:
    values = {p.id: [{"value": v.value, "name": v.display_name} for v in p.values] for p in model.parameters}
    return {
        "id": model.id,
        "name": model.display_name,
        "parameters": [{"id": p.id, "name": p.display_name, "values": values[p.id]} for p in model.parameters],
        "variants": [{"name": v.display_name, "params": [list(pair) for pair in v.params]} for v in model.variants],
    }


async def _repositories(api: CursorApi) -> list[str]:
    return sorted(await api.list_repositories())
