"""The worker's clock: short periodic jobs in threads of their own, so that a busy loop cannot fake its death."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from cursor_monitor.cursor.contact import Contact
from cursor_monitor.cursor.errors import CursorError
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.services import (
    account_checks,
    catalogue,
    code_host_watch,
    fleet,
    loops,
    maintenance,
    notify,
    schedule_firing,
    upkeep,
)
from cursor_monitor.services.clients import AccountUnusableError, Clients
from cursor_monitor.settings import VERSION, Settings
from cursor_monitor.store import heartbeats
from cursor_monitor.store.bell import bell
from cursor_monitor.store.database import transaction
from worker.runner import Runner
from worker.streams import Streamer
from worker.wakeup import Wakeup

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_REST_SECONDS = 3.0
_ANSWER_SECONDS = 10.0
_BUSY_SECONDS = 2.0
_DOUBT_SECONDS = 0.25
_PRUNE_SECONDS = 600.0
_UNKNOWN_SECONDS = 60.0
_CATALOGUE_SECONDS = 60.0  # a look at what is due; Cursor itself is asked far more seldom
_WATCH_SECONDS = 60.0
_SPENDING_SECONDS = 15.0
_LOOPS_SECONDS = 3.0
_TELL_SECONDS = 15.0
_FIRE_SECONDS = 1.0
_STEP_SECONDS = 1.0  # by which the clock is put back before that counts


class Maintenance:
    """Heartbeat, leases, rescue, pruning and Cursor's listings, on APScheduler."""

    def __init__(
        self,
        settings: Settings,
        instance: str,
        runner: Runner,
        wakeup: Wakeup,
        clients: Clients,
        contact: Contact,
        streamer: Streamer,
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._runner = runner
        self._wakeup = wakeup
        self._clients = clients
        self._contact = contact
        self._streamer = streamer
        self._loop = asyncio.get_running_loop()
        self._looked_at = float("-inf")
        self._leased = 0
        self._unknown: dict[str, int] = {}
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": 30}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep_leases, name="leases", daemon=True)

    def start(self) -> None:
        """Say that the worker is there, and begin."""
        self._beat("started")
        self._every(self._settings.heartbeat_seconds, self._heartbeat)
        self._wakeup.check_leases = self._check_leases
        self._keeper.start()
        self._every(_LOOK_SECONDS, self._look_after, now=True)
        self._every(_PRUNE_SECONDS, self._prune, now=True)
        self._every(_UNKNOWN_SECONDS, self._name_unknown_kinds, now=True)
        self._every(_WATCH_SECONDS, self._ensure_watch, now=True)
        self._every(_SPENDING_SECONDS, self._read_spending)
        self._every(_LOOPS_SECONDS, self._look_for_loops)
        self._every(_TELL_SECONDS, self._look_around)
        self._every(_FIRE_SECONDS, self._fire_schedules)
        self._every(_CATALOGUE_SECONDS, self._refresh_catalogue, now=True)
        self._scheduler.add_job(self._guarded, args=[account_checks.recheck_refused])
        self._scheduler.start()

    def stop(self, kind: str) -> None:
        """End the clock and say why."""
        self._stopping.set()
        self._keeper.join()
        self._scheduler.shutdown(wait=True)
        self._beat(kind)

    def announce(self, kind: str) -> None:
        """Write one health event now."""
        self._beat(kind)

    def _every(self, seconds: float, work: Callable[[], None], *, now: bool = False) -> None:
        first = datetime.now(UTC) + timedelta(seconds=0 if now else seconds)
        self._scheduler.add_job(self._guarded, "interval", seconds=seconds, args=[work], next_run_time=first)

    def _guarded(self, work: Callable[[], None]) -> None:
        name = getattr(work, "__name__", "refresh_account")
        try:
            work()
        except Unavailable:
            log.debug("the database is out", extra={"work": name})
        except CursorError as error:
            log.warning(
                "Cursor did not answer",
                extra={"work": name, "error": str(error)},
            )
        except Exception:
            log.exception("periodic work failed", extra={"work": name})

    def _heartbeat(self) -> None:
        self._beat("heartbeat")

    def _beat(self, kind: str) -> None:
        try:
            with transaction() as session:
                heartbeats.record(
                    session, service="worker", instance=self._instance, kind=kind, details=self._details()
                )
        except Unavailable:
            log.debug("no heartbeat: the database is out")

    def _details(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "interval_seconds": self._settings.heartbeat_seconds,
            "wakeup": self._wakeup.mode,
            "redis": bell.is_heard,
            "running": self._runner.running_count,
            "concurrency": self._settings.worker_concurrency,
            "unknown_kinds": self._unknown,
            "settled": self._runner.settled_count,
            "outcomes": self._runner.tally.outcomes(),
            "jobs": self._runner.tally.by_kind(),
            "streams": self._streamer.count,
            "simulated": self._settings.simulated,
            "code_host": self._settings.code_host_web if self._settings.code_host_token else None,
            "cursor_api": self._contact.facts(),
        }

    def _keep_leases(self) -> None:
        """By a clock that nobody can set: a machine whose time is put back must not forget its leases until then."""
        ahead = time.time() - time.monotonic()
        while not self._stopping.wait(self._settings.lease_seconds / 3):
            self._guarded(self._extend_leases)
            was_ahead, ahead = ahead, time.time() - time.monotonic()
            if ahead < was_ahead - _STEP_SECONDS:
                log.warning("the clock was put back", extra={"seconds": round(was_ahead - ahead, 1)})
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

    def _extend_leases(self) -> None:
        lost = self._runner.extend_leases()
        if lost:
            self._loop.call_soon_threadsafe(self._runner.abandon, lost)

    def _check_leases(self) -> None:
        """Somebody's jobs were taken away: see at once whether they were ours."""
        self._scheduler.add_job(self._guarded, args=[self._extend_leases])

    def _look_after(self) -> None:
        """See to the jobs of dead workers; often while anybody works, for only then can anybody die over a job."""
        now = time.monotonic()
        is_quiet = not self._leased and now - self._runner.busy_at > _BUSY_SECONDS
        if is_quiet and now - self._looked_at < _REST_SECONDS:
            return
        looking = self._runner.look()
        try:
            look = looking.result(_ANSWER_SECONDS)
        except TimeoutError:
            looking.cancel()  # a machine with too much to do; the next round looks again
            log.warning("the queue could not be looked at in time", extra={"seconds": _ANSWER_SECONDS})
            return
        self._looked_at, self._leased = now, look.leased
        if look.next_due is not None and look.next_due <= 0 and not self._runner.running_count:
            self._loop.call_soon_threadsafe(self._wakeup.set)  # the call for it was lost, or nobody made one
        if look.expired and (rescued := maintenance.rescue_jobs()):
            log.warning("jobs rescued", extra={"jobs": rescued})
        if look.orphans:
            time.sleep(_DOUBT_SECONDS)  # who only lost the connection has it back by then
            if adopted := maintenance.adopt_orphans(look.orphans):
                log.warning("jobs of a dead worker taken over", extra={"jobs": adopted})

    def _read_spending(self) -> None:
        upkeep.read_spending()

    def _name_unknown_kinds(self) -> None:
        found = maintenance.count_unknown_kinds(self._runner.kinds)
        if found.keys() - self._unknown.keys():
            log.warning(
                "jobs of kinds that this version does not know are left for a newer worker",
                extra={"unknown_kinds": found},
            )
        self._unknown = found

    def _look_for_loops(self) -> None:
        if (seen := self._runner.seen) and not seen[1].has_streams:
            return
        if told := loops.look_for_loops():
            log.warning("agents go in circles", extra={"agents": told})

    def _fire_schedules(self) -> None:
        if seen := self._runner.seen:
            age, look = seen
            if look.schedule_due is None or look.schedule_due > age:
                return
        schedule_firing.fire_due()

    def _look_around(self) -> None:
        notify.look_around()

    def _prune(self) -> None:
        log.debug("pruned", extra=maintenance.prune())
        maintenance.prepare_history()
        maintenance.drop_history()

    def _ensure_watch(self) -> None:
        fleet.ensure_watch()
        code_host_watch.ensure_looks()

    def _refresh_catalogue(self) -> None:
        for account_id, mark in catalogue.usable_accounts():
            self._guarded(partial(self._refresh_account, account_id, mark))
        self._beat("heartbeat")  # what Cursor answered is news

    def _refresh_account(self, account_id: str, mark: str) -> None:
        async def refresh() -> None:
            api = await self._clients.client(account_id)
            await catalogue.refresh(api, f"{self._settings.cursor_api_url}#{mark}", account_id)

        with contextlib.suppress(AccountUnusableError):
            asyncio.run_coroutine_threadsafe(refresh(), self._loop).result(300)
