"""Asks Cursor how an account stands, and lets the work go on that waited for it."""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from cursor_monitor.cursor.errors import OutcomeUnknown, Permanent, Retryable
from cursor_monitor.domain.accounts import Trouble
from cursor_monitor.domain.jobs import ClaimedJob, Done, Outcome, Retry, Snooze, check_job
from cursor_monitor.services.account_health import (
    CHECK_SECONDS,
    PROBE_SECONDS,
    Owner,
    ask_owner,
    block,
    note_checked,
    release,
)
from cursor_monitor.services.clients import AccountGoneError, AccountHeldError, Clients, account_of_job
from cursor_monitor.services.governor import again
from cursor_monitor.store import accounts, jobs
from cursor_monitor.store.database import reading, transactional


async def check_account(job: ClaimedJob, clients: Clients) -> Outcome:
    """Ask whose key it is; a refusal is recorded where it is heard, and asked about again every few minutes."""
    account_id = await account_of_job(clients, job)
    version = await asyncio.to_thread(_key_version, account_id)
    try:
        api = await clients.client(account_id, is_check=True)
        owner = await ask_owner(api)
    except AccountGoneError:
        return Done()
    except AccountHeldError:
        await asyncio.to_thread(block, account_id)
        return Snooze(CHECK_SECONDS)
    except Permanent as error:
        return Snooze(CHECK_SECONDS) if await clients.is_held(account_id) else Retry(str(error))
    except (Retryable, OutcomeUnknown) as error:
        return again(error)
    return await asyncio.to_thread(_go_on, account_id, version, owner)


def _key_version(account_id: str) -> int:
    with reading() as session:
        account = accounts.find(session, account_id)
        return account.key_version if account else 0


def _go_on(account_id: str, version: int, owner: Owner) -> Outcome:
    with reading() as session:
        account = accounts.find(session, account_id)
        is_out_of_money = account is not None and account.refusal_kind == Trouble.MONEY
    if note_checked(account_id, version, owner):
        release(account_id, only_oldest=is_out_of_money)
    return Snooze(PROBE_SECONDS) if is_out_of_money else Done()


@transactional
def recheck_refused(session: Session) -> None:
    """See to it that each account in trouble is asked about, now that a worker starts with maybe another key."""
    refused = [account for account in accounts.select_all(session) if account.refusal_kind is not None]
    jobs.enqueue(session, [check_job(account.id) for account in refused])
