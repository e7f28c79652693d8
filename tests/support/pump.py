"""The worker's work in this process: claim, execute, settle, with time skipped instead of waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from cursor_monitor.codehost.api import CodeHost
from cursor_monitor.cursor.api import CursorApi
from cursor_monitor.domain.jobs import ClaimedJob, JobKind
from cursor_monitor.services.clients import OneClient
from cursor_monitor.services.maintenance import rescue_jobs
from cursor_monitor.store import claims, jobs
from cursor_monitor.store.database import transaction
from cursor_monitor.store.jobs import Settlement
from worker.executor import execute
from worker.handlers import build_handlers

_ROUNDS = 100


class Pump:
    """Does the jobs one after the other, as a worker with one slot would."""

    def __init__(self, api: CursorApi, host: CodeHost | None = None) -> None:
        self.handlers = build_handlers(OneClient(api), host)

    def claim(self, kind: str | None = None) -> ClaimedJob | None:
        """Take the next due job, of that kind."""
        kinds = [kind] if kind else list(JobKind)
        with transaction() as session:
            taken = claims.claim(session, worker="pump", kinds=kinds, room=1, lease_seconds=60)
        return taken[0] if taken else None

    async def do(self, job: ClaimedJob) -> None:
        """Execute a claimed job and settle it."""
        settlement = await execute(job, self.handlers, lambda: 0.0)
        if isinstance(settlement, Settlement):
            with transaction() as session:
                jobs.settle(session, [settlement])

    async def run_due(self, kind: str | None = None) -> int:
        """Do everything that is due, of that kind; returns how many jobs that were."""
        for done in range(_ROUNDS):
            job = await asyncio.to_thread(self.claim, kind)
            if job is None:
                return done
            await self.do(job)
        raise AssertionError(f"still busy after {_ROUNDS} jobs")

    async def run_due_one(self) -> bool:
        """Do the next job, now or as if it were due; False where there is none."""
        job = await asyncio.to_thread(self.claim)
        if job is None:
            skip(60)
            job = await asyncio.to_thread(self.claim)
        if job is not None:
            await self.do(job)
        return job is not None

    async def run_until(self, condition: Callable[[], bool]) -> None:
        """Do what is due and skip the waits between, until the condition holds."""
        for _ in range(_ROUNDS):
            await self.run_due()
            if condition():
                return
            skip(60)
        raise AssertionError(f"not within {_ROUNDS} rounds")


def skip(seconds: float) -> None:
    """Bring every waiting job forward."""
    _change("SET next_run_at = next_run_at - make_interval(secs => :seconds) WHERE status = 'pending'", seconds)


def lose_leases() -> None:
    """The holders of all leases are dead: their jobs go back."""
    _change("SET leased_until = leased_until - make_interval(secs => :seconds) WHERE status = 'processing'", 3600)
    rescue_jobs()


def _change(what: str, seconds: float) -> None:
    with transaction() as session:
        session.connection().execute(text(f"UPDATE orchestration_outbox_jobs {what}"), {"seconds": seconds})
