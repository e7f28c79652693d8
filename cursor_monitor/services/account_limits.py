"""What an account may have at work at once, and begin and spend in a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Invalid, NotFound
from cursor_monitor.domain.jobs import advance_job
from cursor_monitor.engine.plan import refuse_unknown
from cursor_monitor.store import accounts, jobs, slots
from cursor_monitor.store.database import transactional

LIMITS: Mapping[str, int] = {
    "max_parallel_agents": 10_000,
    "max_agents_per_day": 1_000_000,
    "max_followups_per_day": 10_000_000,
    "max_cents_per_day": 100_000_000,
}
"""Each limit of an account, and the most it can be."""
_NOBODY = UUID(int=0)
_MOST_WOKEN = 500


@transactional
def set_limits(session: Session, account_id: str, limits: Mapping[str, Any], *, by: str) -> None:
    """Set the limits that are named, None for none; what waited for a slot looks again.

    Raises Invalid naming the limit that cannot be, NotFound.
    """
    refuse_unknown(limits, frozenset(LIMITS))
    checked = {name: _checked(name, value) for name, value in limits.items()}
    account = accounts.find(session, account_id, lock=True)
    if account is None or account.deleted_at is not None:
        raise NotFound(f"No account has the id {account_id[:60]}.")
    if not checked:
        return
    accounts.update(session, account_id, **checked)
    waiting = slots.next_waiting(session, _NOBODY, account=account_id, repository="", limit=_MOST_WOKEN)
    jobs.enqueue(session, [advance_job(str(found)) for found in waiting])


def _checked(name: str, value: object) -> int | None:
    if value is None or value == "":
        return None
    most = LIMITS[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise Invalid(name, f"must be a whole number from 1 to {most:,}; leave it empty for no limit")
    return value
