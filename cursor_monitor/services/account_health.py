"""How an account stands: what Cursor's answers say of its key, and what follows for the work that waits for it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.cursor.api import CursorApi
from cursor_monitor.cursor.errors import CursorError, Permanent
from cursor_monitor.domain import events as e
from cursor_monitor.domain.accounts import (
    HELD_CODES,
    STOPS_EVERYTHING,
    AccountStatus,
    Trouble,
    explain,
    explain_paused,
    trouble_of,
)
from cursor_monitor.domain.jobs import check_job
from cursor_monitor.domain.notifications import TEXT_LIMIT, Notice, NoticeKind, one_line
from cursor_monitor.domain.status import OrchestrationStatus
from cursor_monitor.services import notify
from cursor_monitor.services.advance import record_facts
from cursor_monitor.store import accounts, jobs, orchestrations, tables
from cursor_monitor.store.database import reading, transactional
from cursor_monitor.store.events import database_now

log = logging.getLogger(__name__)

CHECK_SECONDS = 180.0
PROBE_SECONDS = 900.0
"""Without money nothing but a launch tells whether there is some again; so seldom is one tried."""


NO_TROUBLE: dict[str, None] = {
    "refusal_kind": None,
    "refusal_code": None,
    "refusal_message": None,
    "refused_at": None,
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key it is, as Cursor says."""

    key_name: str
    email: str | None
    name: str | None


async def ask_owner(api: CursorApi) -> Owner:
    """Whose key it is; raises Permanent where it is refused, as it is for a plan without Cloud Agents."""
    account = await api.get_me()
    await api.list_agents(1)  # unlike the first, this needs the plan
    name = " ".join(part for part in (account.first_name, account.last_name) if part)
    return Owner(account.key_name, account.email, name or None)


@transactional
def note_refused(session: Session, account_id: str, key_version: int, trouble: Trouble, code: str, said: str) -> None:
    """Record that an account cannot be used, once; what a replaced key did counts no more."""
    account = accounts.find(session, account_id, lock=True)
    if account is None or account.deleted_at is not None or account.key_version != key_version:
        return
    if account.refusal_kind == trouble:
        return
    now = database_now(session)
    message = explain(trouble, account.name, is_environment=account.source == "environment", said=said)
    accounts.update(
        session,
        account_id,
        refusal_kind=trouble,
        refusal_code=code,
        refusal_message=message,
        refused_at=now,
        checked_at=now,
    )
    seconds = PROBE_SECONDS if trouble is Trouble.MONEY else CHECK_SECONDS
    jobs.enqueue(session, [check_job(account_id, now + timedelta(seconds=seconds))])
    told = Notice(
        kind=NoticeKind.ACCOUNT_REFUSED,
        key=f"account:{account_id}:{now.isoformat()}",
        title=f"Cursor refuses the account {one_line(account.name, 60)}",
        text=one_line(message, TEXT_LIMIT),
        at=now,
        path="/settings",
        facts={"account_id": account_id, "trouble": str(trouble)},
    )
    notify.tell(session, told)
    log.warning("account refused", extra={"account_id": account_id, "trouble": str(trouble), "code": code})


@transactional
def note_answered(session: Session, account_id: str, key_version: int, *, launched: bool) -> None:
    """Record that Cursor did what was asked; after trouble its work goes on, after a spending limit with a launch."""
    account = accounts.find(session, account_id, lock=True)
    if account is None or account.deleted_at is not None or account.key_version != key_version:
        return
    # What starts no work needs no money, and some of it no plan: it tells of the key alone.
    is_over = account.refusal_kind is not None and (launched or account.refusal_kind == Trouble.KEY)
    accounts.update(session, account_id, last_ok_at=database_now(session), **(NO_TROUBLE if is_over else {}))
    if is_over:
        jobs.enqueue(session, [check_job(account_id)])


@transactional
def note_checked(session: Session, account_id: str, key_version: int, owner: Owner) -> bool:
    """Record that a check went well; True where the account may be used but for want of money."""
    account = accounts.find(session, account_id, lock=True)
    if account is None or account.deleted_at is not None or account.key_version != key_version:
        return False
    now = database_now(session)
    rest = {} if account.refusal_kind == Trouble.MONEY else NO_TROUBLE
    accounts.update(
        session,
        account_id,
        key_name=owner.key_name,
        owner_email=owner.email,
        owner_name=owner.name,
        checked_at=now,
        last_ok_at=now,
        **rest,
    )
    if rest:
        accounts.wake_jobs(session, account_id)
    return not account.is_paused


def release(account_id: str, *, only_oldest: bool) -> int:
    """Resume the orchestrations that waited for this account, each by itself; how many."""
    with reading() as session:
        waiting = accounts.select_blocked(session, account_id, HELD_CODES)
    for orchestration_id in waiting[:1] if only_oldest else waiting:
        _resume(orchestration_id, account_id)
    if only_oldest and not waiting:
        _try_oldest(account_id)
    return len(waiting)


@transactional
def _try_oldest(session: Session, account_id: str) -> None:
    """Bring the oldest launch or follow-up forward: nothing but that tells whether there is money again."""
    accounts.wake_oldest(session, account_id)


def block(account_id: str) -> None:
    """Say of each running orchestration that nothing goes on while its account cannot be asked for anything."""
    with reading() as session:
        account = accounts.find(session, account_id)
        is_stopped = account is not None and account.refusal_kind in STOPS_EVERYTHING
        running = accounts.select_running(session, account_id) if is_stopped else []
    for orchestration_id in running:
        _block(orchestration_id, account_id)


@transactional
def _block(session: Session, orchestration_id: str, account_id: str) -> None:
    snapshot = orchestrations.lock_snapshot(session, UUID(orchestration_id))
    account = accounts.find(session, account_id)
    hold = hold_of(account, starts_work=False) if account is not None else None
    if snapshot is None or hold is None:
        return
    if snapshot.status is OrchestrationStatus.RUNNING and not snapshot.is_cancelling:
        code, message, _ = hold
        blocked = e.OrchestrationBlocked(at=database_now(session), code=code, summary=message)
        record_facts(session, snapshot, [blocked])


@transactional
def _resume(session: Session, orchestration_id: str, account_id: str) -> None:
    snapshot = orchestrations.lock_snapshot(session, UUID(orchestration_id))
    account = accounts.find(session, account_id)
    if snapshot is None or account is None or account.is_paused:
        return
    # A person may have paused, resumed or cancelled it meanwhile.
    if snapshot.status is OrchestrationStatus.BLOCKED and snapshot.error_code in HELD_CODES:
        by = f"account {account.name}, which can be used again"
        record_facts(session, snapshot, [e.OrchestrationResumed(at=database_now(session), by=by)])


def why_held(session: Session, account_id: str, code: str, otherwise: str) -> str:
    """What a person is told about work that waits for its account."""
    account = accounts.find(session, account_id)
    if account is None:
        return otherwise
    if code == "account_paused":
        return explain_paused(account.name)
    if code == "account_secret" and account.refusal_message:
        return account.refusal_message
    trouble = trouble_of(code)
    is_environment = account.source == "environment"
    return explain(trouble, account.name, is_environment=is_environment) if trouble else otherwise


def hold_of(account: tables.CursorAccount, *, starts_work: bool) -> tuple[str, str, str] | None:
    """The code, message and kind under which a request of this account must wait; None where it may go."""
    if account.refusal_kind in STOPS_EVERYTHING:
        code = "account_secret" if account.refusal_kind == Trouble.UNREADABLE else account.refusal_code
        return code or "unauthorized", account.refusal_message or "", account.refusal_kind or ""
    if starts_work and account.status == AccountStatus.PAUSED:
        return "account_paused", explain_paused(account.name), "key"
    return None


class AccountWitness:
    """Hears each answer to one key and records only what changes how the account stands."""

    _QUIET_SECONDS = 60.0

    def __init__(self, account_id: str, key_version: int, is_in_trouble: bool) -> None:
        self._account_id = account_id
        self._key_version = key_version
        self._is_in_trouble = is_in_trouble
        self._noted_at = float("-inf")

    async def succeeded(self, *, starts_work: bool) -> None:
        """Once a minute, and at once where it may end trouble."""
        now = asyncio.get_running_loop().time()
        if now - self._noted_at < self._QUIET_SECONDS and not (self._is_in_trouble and starts_work):
            return
        self._noted_at = now
        self._is_in_trouble = self._is_in_trouble and not starts_work
        await asyncio.to_thread(note_answered, self._account_id, self._key_version, launched=starts_work)

    async def refused(self, error: CursorError) -> None:
        """Where the code is about the account as a whole."""
        trouble = trouble_of(error.code) if isinstance(error, Permanent) else None
        if trouble is not None:
            self._is_in_trouble = True
            await asyncio.to_thread(
                note_refused, self._account_id, self._key_version, trouble, error.code, error.message
            )
            await asyncio.to_thread(block, self._account_id)
