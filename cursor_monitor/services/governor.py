"""Keeps all workers together within what Cursor allows one account; the state is in the database."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlmodel import Session

from cursor_monitor.cursor.errors import CursorError, Retryable, Throttled
from cursor_monitor.cursor.gate import EVERYTHING, Gate
from cursor_monitor.cursor.limits import RateLimits
from cursor_monitor.domain import budget as rules
from cursor_monitor.domain.budget import Budget, Limit, Urgency
from cursor_monitor.domain.jobs import Outcome, Retry, Snooze
from cursor_monitor.store import budgets
from cursor_monitor.store.database import transactional

T = TypeVar("T")

_TURNED_AWAY_SECONDS = 1.0
_MOST_AWAY_SECONDS = rules.MOST_BLOCKED.total_seconds()
_MOST_TOLD = 1_000_000
_FAR = timedelta(days=1)
_urgency: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.LISTING)


class Governor(Gate):
    """The gate of one account; whoever gets no token is told when to come back, and nobody waits here."""

    def __init__(self, account: str, per_minute: int) -> None:
        self._account = account
        self._per_minute = per_minute

    async def enter(self, endpoint: str) -> None:
        """Take a token for one request, or raise Throttled."""
        seconds = await asyncio.to_thread(self._enter, endpoint, _urgency.get())
        if seconds > 0:
            raise Throttled(seconds)

    async def learn(self, endpoint: str, status: int, limits: RateLimits | None) -> None:
        """Believe what Cursor says of its limits."""
        await asyncio.to_thread(self._learn, endpoint, status == 429, limits)

    def _enter(self, endpoint: str, urgency: Urgency) -> float:
        # A scarce endpoint first: what it turns away costs nothing of the budget that all share.
        for name in dict.fromkeys((endpoint, EVERYTHING)):
            seconds = _take(self._account, name, self._per_minute, urgency)
            if seconds > 0:
                return seconds
        return 0.0

    def _learn(self, endpoint: str, is_refused: bool, limits: RateLimits | None) -> None:
        _note(self._account, endpoint, self._per_minute, is_refused, limits)


def account_of(base_url: str, api_key: str) -> str:
    """A name for a key at an address that tells neither."""
    return hashlib.sha256(f"{base_url}\0{api_key}".encode()).hexdigest()[:16]


@contextmanager
def acting(urgency: Urgency) -> Iterator[None]:
    """What is asked of Cursor inside is for this."""
    token = _urgency.set(urgency)
    try:
        yield
    finally:
        _urgency.reset(token)


def urgently(urgency: Urgency, run: Callable[[T], Awaitable[Outcome]]) -> Callable[[T], Awaitable[Outcome]]:
    """The same work, with all its requests for this."""

    async def acts(job: T) -> Outcome:
        with acting(urgency):
            return await run(job)

    return acts


def again(error: CursorError, seconds: float | None = None) -> Outcome:
    """What becomes of a job whose call may be made again: one that a rate limit turned away is no attempt."""
    if isinstance(error, Throttled):
        return Snooze(error.seconds, forgets=False)
    if isinstance(error, Retryable) and (error.status == 429 or error.code == "rate_limit_exceeded"):
        seconds = _TURNED_AWAY_SECONDS if error.retry_after is None else min(error.retry_after, _MOST_AWAY_SECONDS)
        return Snooze(seconds, forgets=False)
    return Retry(str(error), error.retry_after if seconds is None else seconds)


@transactional
def _take(session: Session, account: str, endpoint: str, per_minute: int, urgency: Urgency) -> float:
    def decide(budget: Budget, limit: Limit, now: datetime) -> tuple[Budget, float]:
        return rules.take(budget, limit, urgency, now)

    seconds = budgets.change(session, account, endpoint, per_minute, decide)
    if seconds <= 0:
        budgets.count(session, account, endpoint, granted=1)
    return seconds


@transactional
def _note(
    session: Session, account: str, endpoint: str, per_minute: int, is_refused: bool, limits: RateLimits | None
) -> None:
    said = partial(rules.learn, refused=is_refused)
    if limits is not None:
        seen = None if limits.limit is None else max(0, min(limits.limit, _MOST_TOLD))
        left = None if limits.remaining is None else max(0, min(limits.remaining, _MOST_TOLD))
        said = partial(said, seen_limit=seen, remaining=left, retry_after=limits.retry_after)

    def decide(budget: Budget, limit: Limit, now: datetime) -> tuple[Budget, float]:
        # How long until then is what counts: the clock of this machine and that of the database may differ.
        reset_at = now + min(limits.reset_at - limits.observed_at, _FAR) if limits and limits.reset_at else None
        return said(budget, now, reset_at=reset_at), 0.0

    budgets.change(session, account, endpoint, per_minute, decide)
    if is_refused:
        budgets.count(session, account, endpoint, refused=1)
