"""What a person does to the accounts at Cursor: add, rename, give another key, pause, choose, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from cursor_monitor.cursor.client import build_client
from cursor_monitor.cursor.errors import CursorError, Permanent
from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT, Trouble, trouble_of
from cursor_monitor.domain.errors import Conflict, Invalid, NotFound, Unavailable
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.jobs import check_job, watch_job
from cursor_monitor.domain.text import storable
from cursor_monitor.engine.plan import refuse_unknown
from cursor_monitor.secrets import redaction
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.redaction import fingerprint
from cursor_monitor.secrets.vault import vault
from cursor_monitor.services.account_health import NO_TROUBLE, Owner, ask_owner
from cursor_monitor.services.clients import owner_of
from cursor_monitor.services.tuning import current
from cursor_monitor.store import accounts, jobs, tables
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

NAME_LIMIT = 60
KEY_LEAST, KEY_MOST = 16, 500
RATE_LEAST, RATE_MOST = 5, 1_000_000
_CHECK_SECONDS = 30.0
_FIELDS = frozenset({"name", "key", "requests_per_minute"})

_WHY = {
    Trouble.KEY: "Cursor does not accept this key: it is wrong, revoked or expired; copy a valid one from "
    "cursor.com/dashboard",
    Trouble.PLAN: "Cursor accepts this key, but its plan does not include Cloud Agents; change the plan at "
    "cursor.com/dashboard, or give the key of another account",
    Trouble.MONEY: "the account of this key has reached its spending limit at Cursor; raise the limit at "
    "cursor.com/dashboard",
}


def create(fields: Mapping[str, Any], *, by: str) -> str:
    """Add an account once Cursor has accepted its key; returns its id.

    Raises Invalid naming the field, Unavailable where Cursor cannot be asked. The key is kept sealed alone.
    """
    refuse_unknown(fields, _FIELDS)
    name, rate = _name(fields.get("name")), _rate(fields.get("requests_per_minute"))
    key = _key(fields.get("key"))
    _check_free(name, key, None)
    owner = _asked(key, current().api_url)
    account_id = str(mint_uuid7())
    return _insert(account_id, name, rate, _sealed(account_id, key), owner, by)


def replace_key(account_id: str, key: object, *, by: str) -> None:
    """Use another key from now on, once Cursor has accepted it; what waited for the account goes on."""
    account = _known(account_id)
    if account.source == "environment":
        raise Conflict("The key of this account is CURSOR_API_KEY: change it there and start again.")
    new = _key(key)
    _check_free(account.name, new, account_id)
    owner = _asked(new, account.api_url or current().api_url)
    _swap_key(account_id, _sealed(account_id, new), owner)


@transactional
def rename(session: Session, account_id: str, name: object, *, by: str) -> None:
    """Call it otherwise; raises Invalid where another account has that name."""
    _locked(session, account_id)
    wanted = _name(name)
    other = accounts.find_named(session, wanted)
    if other is not None and other.id != account_id:
        raise Invalid("name", f"{wanted!r} is taken; choose another")
    accounts.update(session, account_id, name=wanted)


@transactional
def limit_rate(session: Session, account_id: str, requests_per_minute: object, *, by: str) -> None:
    """Send at most so many requests a minute; None: as CURSOR_RATE_PER_MINUTE says."""
    _locked(session, account_id)
    accounts.update(session, account_id, requests_per_minute=_rate(requests_per_minute))


@transactional
def choose_default(session: Session, account_id: str, *, by: str) -> None:
    """Use it where no account is named."""
    _locked(session, account_id)
    accounts.clear_default(session)
    accounts.update(session, account_id, is_default=True)


@transactional
def pause(session: Session, account_id: str, *, by: str) -> None:
    """Start nothing new with it; what runs is watched to its end. Raises Conflict where it is paused."""
    if _locked(session, account_id).is_paused:
        raise Conflict("The account is paused already.")
    accounts.update(session, account_id, is_paused=True)


@transactional
def resume(session: Session, account_id: str, *, by: str) -> None:
    """Use it again; what waited goes on. Raises Conflict where it is not paused."""
    if not _locked(session, account_id).is_paused:
        raise Conflict("The account is not paused.")
    accounts.update(session, account_id, is_paused=False)
    jobs.enqueue(session, [check_job(account_id)])


@transactional
def check(session: Session, account_id: str, *, by: str) -> None:
    """Have a worker ask now whether it works; what waited goes on if it does."""
    _locked(session, account_id)
    jobs.enqueue(session, [check_job(account_id)])


@transactional
def delete(session: Session, account_id: str, *, by: str) -> None:
    """Forget its key and offer it no more; its agents stay as history. Raises Conflict while work needs it."""
    account = _locked(session, account_id)
    if account.source == "environment":
        raise Conflict("This account is the environment's: take CURSOR_API_KEY away instead.")
    agents, orchestrations = accounts.count_live_work(session, account_id)
    if agents or orchestrations:
        raise Conflict(
            f"{agents} agents and {orchestrations} orchestrations still need this account; "
            "let them end, or cancel them, first.",
            agents=agents,
            orchestrations=orchestrations,
        )
    if account.is_default:
        accounts.update(session, account_id, is_default=False)
        accounts.update(session, DEFAULT_ACCOUNT, is_default=True)
    now = database_now(session)
    accounts.update(session, account_id, key_sealed=None, key_fingerprint=None, deleted_at=now)


@transactional
def _insert(session: Session, account_id: str, name: str, rate: int | None, key: _Sealed, owner: Owner, by: str) -> str:
    _check_sealed(session, key)
    now = database_now(session)
    try:
        with session.begin_nested():
            accounts.insert_account(
                session,
                id=account_id,
                name=name,
                source="stored",
                api_url=current().api_url,
                requests_per_minute=rate,
                created_by=by,
                created_at=now,
                checked_at=now,
                last_ok_at=now,
                **key,
                **_owner(owner),
            )
    except IntegrityError:
        raise Invalid("name", f"{name!r} is taken; choose another") from None
    jobs.enqueue(session, [watch_job(account_id)])
    return account_id


@transactional
def _swap_key(session: Session, account_id: str, key: _Sealed, owner: Owner) -> None:
    _check_sealed(session, key)
    account = _locked(session, account_id)
    accounts.update(
        session,
        account_id,
        key_version=account.key_version + 1,
        checked_at=database_now(session),
        **key,
        **_owner(owner),
        **NO_TROUBLE,
    )
    jobs.enqueue(session, [check_job(account_id)])


def _check_free(name: str, key: str, account_id: str | None) -> None:
    with reading() as session:
        other = accounts.find_named(session, name)
        same = accounts.find_by_fingerprint(session, fingerprint(key))
    if other is not None and other.id != account_id:
        raise Invalid("name", f"{name!r} is taken; choose another")
    if same is not None and same.id != account_id:
        raise Invalid("key", f"is that of account {same.name} already; give another account's key")
    if current().environment_fingerprint == fingerprint(key):
        raise Invalid("key", "is CURSOR_API_KEY, which account default uses already; give another account's key")


def _asked(key: str, api_url: str) -> Owner:
    """Whose key it is, as Cursor says; outside any transaction."""
    redaction.register(key)
    try:
        return asyncio.run(_ask(key, api_url))
    except Permanent as error:
        trouble = trouble_of(error.code)
        why = _WHY[trouble] if trouble else f"was refused by Cursor ({error})"
        raise Invalid("key", why) from None
    except (CursorError, TimeoutError) as error:
        raise Unavailable(
            f"Cursor cannot be asked about the key just now ({error or 'no answer'}); nothing was changed, try again.",
            code="cursor_unreachable",
        ) from None


async def _ask(key: str, api_url: str) -> Owner:
    async with aclosing(build_client(api_url, key)) as api, asyncio.timeout(_CHECK_SECONDS):
        return await ask_owner(api)


_Sealed = dict[str, str]


def _sealed(account_id: str, key: str) -> _Sealed:
    try:
        sealed = vault().encrypt(key, owner_of(account_id))
    except SecretError as error:
        raise Unavailable(f"The key cannot be kept: {error}.", code="no_master_key") from None
    return {"key_sealed": sealed, "key_last4": key[-4:], "key_fingerprint": fingerprint(key)}


def _check_sealed(session: Session, key: _Sealed) -> None:
    accounts.lock_keys(session, alone=False)
    if not vault().cipher().is_current(key["key_sealed"]):
        raise Conflict("The master key was just changed; try again.", code="master_key_changed")


def _owner(owner: Owner) -> dict[str, str | None]:
    texts = {"key_name": owner.key_name, "owner_email": owner.email, "owner_name": owner.name}
    return {name: storable(text)[:200] if text else None for name, text in texts.items()}


def _known(account_id: str) -> tables.CursorAccount:
    with reading() as session:
        return _present(accounts.find(session, account_id), account_id)


def _locked(session: Session, account_id: str) -> tables.CursorAccount:
    return _present(accounts.find(session, account_id, lock=True), account_id)


def _present(account: tables.CursorAccount | None, account_id: str) -> tables.CursorAccount:
    if account is None or account.deleted_at is not None:
        raise NotFound(f"No account has the id {account_id[:60]}.")
    return account


def _name(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise Invalid("name", "is empty; say what the account is called here, such as team-a")
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid("name", f"must be one line of at most {NAME_LIMIT} characters")
    return name


def _key(value: object) -> str:
    key = value.strip() if isinstance(value, str) else ""
    if not key:
        raise Invalid("key", "is empty; copy the key from cursor.com/dashboard")
    if not key.isascii() or not key.isprintable() or " " in key or not KEY_LEAST <= len(key) <= KEY_MOST:
        raise Invalid("key", f"is no key of Cursor's: {KEY_LEAST} to {KEY_MOST} letters and signs, no spaces")
    return key


def _rate(value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not RATE_LEAST <= value <= RATE_MOST:
        raise Invalid("requests_per_minute", f"must be a whole number from {RATE_LEAST} to {RATE_MOST:,}")
    return value
