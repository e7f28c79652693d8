"""The clients of Cursor's API, one for each account: built when needed, dropped when the account changes."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from cursor_monitor.cursor.api import CursorApi
from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.cursor.contact import Contact, ContactTransport
from cursor_monitor.cursor.wire import TOTAL_SECONDS
from cursor_monitor.domain.accounts import DEFAULT_ACCOUNT, Trouble
from cursor_monitor.domain.jobs import ClaimedJob
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.vault import vault
from cursor_monitor.services.account_health import AccountWitness, hold_of, note_refused
from cursor_monitor.services.governor import Governor
from cursor_monitor.store import accounts, agents, tables
from cursor_monitor.store.database import reading

FRESH_SECONDS = 1.0
_MOST_AGENTS = 50_000


class AccountUnusableError(Exception):
    """Nothing can be asked of Cursor for this account now."""


class AccountHeldError(AccountUnusableError):
    """The account may not be used now; what needs it waits under this code."""

    def __init__(self, account_id: str, code: str, message: str, kind: str) -> None:
        super().__init__(code, message)
        self.account_id = account_id
        self.code = code
        self.message = message
        self.kind = kind


class AccountGoneError(AccountUnusableError):
    """The account was deleted, so nothing can be done with it any more."""


class Clients(Protocol):
    """Whoever gives out clients."""

    async def account_of(self, agent_id: str) -> str:
        """The account that an agent belongs to, which never changes."""
        ...

    async def client(self, account_id: str, *, starts_work: bool = False, is_check: bool = False) -> CursorApi:
        """The client of an account; raises AccountHeldError, but for a check, and AccountGoneError."""
        ...

    async def is_held(self, account_id: str) -> bool:
        """True where nothing can be asked for this account now."""
        ...


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """The key of the default account, and where and how fast keys are used unless their account says otherwise."""

    api_key: str
    api_url: str
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class _Open:
    stamp: tuple[object, ...]
    api: HttpCursorApi


class ClientRegistry(Clients):
    """The clients of one worker."""

    def __init__(self, environment: EnvironmentKey, contact: Contact) -> None:
        self._environment = environment
        self._contact = contact
        self._open: dict[str, _Open] = {}
        self._rows: dict[str, tables.CursorAccount] = {}
        self._read_at = float("-inf")
        self._agents: OrderedDict[str, str] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._retired: list[HttpCursorApi] = []
        self._lock = asyncio.Lock()

    async def account_of(self, agent_id: str) -> str:
        """As its row says, once."""
        known = self._agents.get(agent_id)
        if known is None:
            known = await asyncio.to_thread(_account_of_agent, agent_id)
            if known is None:
                return DEFAULT_ACCOUNT  # an agent that is not known yet
            self._agents[agent_id] = known
            if len(self._agents) > _MOST_AGENTS:
                self._agents.popitem(last=False)
        return known

    async def client(self, account_id: str, *, starts_work: bool = False, is_check: bool = False) -> CursorApi:
        """The client with the account's present key; a check sees the row as it is this moment."""
        row = await self._row(account_id, is_check)
        hold = None if is_check else hold_of(row, starts_work=starts_work)
        if hold is not None:
            # Who waits because of what was true a moment ago would miss that it is brought forward.
            row = await self._row(account_id, True)
            hold = hold_of(row, starts_work=starts_work)
        if hold is not None:
            raise AccountHeldError(account_id, *hold)
        stamp = (row.key_version, row.api_url, row.requests_per_minute)
        known = self._open.get(account_id)
        if known is None or known.stamp != stamp:
            if known is not None:
                self._retire(known.api)
            known = _Open(stamp, await self._build(row))
            self._open[account_id] = known
        return known.api

    async def is_held(self, account_id: str) -> bool:
        """As the row says this moment, for an answer may just have changed it."""
        return hold_of(await self._row(account_id, True), starts_work=False) is not None

    async def aclose(self) -> None:
        """Close all connections."""
        for task in self._closing:
            task.cancel()
        for api in (*self._retired, *(known.api for known in self._open.values())):
            await api.aclose()

    def _retire(self, api: HttpCursorApi) -> None:
        """Close it once nobody can be waiting for its answer any more."""

        async def close() -> None:
            await asyncio.sleep(TOTAL_SECONDS)
            await api.aclose()
            self._retired.remove(api)

        self._retired.append(api)
        self._closing.add(task := asyncio.create_task(close()))
        task.add_done_callback(self._closing.discard)

    async def _row(self, account_id: str, is_now: bool) -> tables.CursorAccount:
        async with self._lock:
            if is_now or account_id not in self._rows or time.monotonic() - self._read_at > FRESH_SECONDS:
                self._rows = await asyncio.to_thread(_read_accounts)
                self._read_at = time.monotonic()
        row = self._rows.get(account_id)
        if row is None or row.deleted_at is not None:
            raise AccountGoneError(account_id)
        return row

    async def _build(self, row: tables.CursorAccount) -> HttpCursorApi:
        try:
            key = self._environment.api_key if row.key_sealed is None else open_key(row.id, row.key_sealed)
        except SecretError as error:
            await asyncio.to_thread(note_refused, row.id, row.key_version, Trouble.UNREADABLE, "secret", str(error))
            raise AccountHeldError(row.id, "account_secret", str(error), Trouble.UNREADABLE) from None
        return build_client(
            row.api_url or self._environment.api_url,
            key,
            transport=ContactTransport(self._contact),
            gate=Governor(row.id, row.requests_per_minute or self._environment.requests_per_minute),
            witness=AccountWitness(row.id, row.key_version, row.refusal_kind is not None),
        )


class OneClient(Clients):
    """The same client for every account."""

    def __init__(self, api: CursorApi) -> None:
        self._api = api

    async def account_of(self, agent_id: str) -> str:
        """All belong to the environment's."""
        return DEFAULT_ACCOUNT

    async def client(self, account_id: str, *, starts_work: bool = False, is_check: bool = False) -> CursorApi:
        """The one."""
        return self._api

    async def is_held(self, account_id: str) -> bool:
        """Never."""
        return False


async def account_of_job(clients: Clients, job: ClaimedJob) -> str:
    """What the job's arguments say, else the account that its agent belongs to."""
    named = job.args.get("account_id")
    if named or job.agent_id is None:
        return str(named or DEFAULT_ACCOUNT)
    return await clients.account_of(job.agent_id)


def owner_of(account_id: str) -> str:
    """The name that an account's key is sealed for."""
    return f"cursor_accounts/{account_id}/key"


def open_key(account_id: str, sealed: str) -> str:
    """The key of an account; raises SecretError where it cannot be decrypted here."""
    return vault().decrypt(sealed, owner_of(account_id))


def _account_of_agent(agent_id: str) -> str | None:
    with reading() as session:
        return agents.account_of(session, agent_id)


def _read_accounts() -> dict[str, tables.CursorAccount]:
    with reading() as session:
        rows = accounts.select_all(session, with_deleted=True)
        session.expunge_all()
    return {row.id: row for row in rows}
