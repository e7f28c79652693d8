"""The queue: the outbox's jobs under the filters of the address, and one of them whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.domain.errors import AppError, NotFound
from cursor_monitor.domain.jobs import JobAction
from cursor_monitor.queries.jobs import JobDetail, JobRow, get_job, list_jobs
from cursor_monitor.queries.page import Page
from cursor_monitor.services import jobs
from cursor_monitor.state.live import LiveMixin, query_parameter
from cursor_monitor.state.paging import PagingMixin
from cursor_monitor.state.queue_bulk import JobBulkMixin

_WAITS = {
    "time": "its time",
    "retry": "its next try",
    "worker": "a free worker",
    "bulk_slot": "a slot for bulk work",
    "turn": "its turn among jobs of its kind that may not run all at once",
    "newer_version": "a worker of a newer version, which knows this kind",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = JobRow(0, "", "", None, 0, 0, 0, None, None, None, None, None, _EPOCH, _EPOCH, None)


@dataclass(frozen=True, slots=True)
class TryView:
    """One try that failed."""

    attempt: str
    at: str
    error: str


class QueueState(LiveMixin, PagingMixin, JobBulkMixin, rx.State):
    """One page of jobs, newest first, and the job that the address names."""

    rows: list[JobRow] = []
    chosen: JobRow = _NOTHING
    waits_for: str = ""
    args: str = ""
    tries: list[TryView] = []
    controls: list[str] = []
    notice: str = ""
    _job: str = ""
    _seen_filter: tuple[str | None, str | None] = (None, None)

    @rx.var
    def is_page_selected(self) -> bool:
        """True where all jobs of this page are chosen."""
        return bool(self.rows) and {row.id for row in self.rows} <= set(self.selected)

    @rx.event
    async def act(self, action: str):
        """Retry, bring forward or discard the chosen job."""
        self.notice = ""
        if action not in tuple(JobAction) or not self._job.isdecimal():
            return None
        try:
            await asyncio.to_thread(jobs.change, int(self._job), JobAction(action))
        except AppError as error:
            self.notice = error.message
        return QueueState.watch

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        self._read_address()
        wanted = query_parameter(self, "job")
        if wanted != self._job:
            self._job, self.notice, self.bulk_action = wanted, "", ""
        if self._seen_filter != self._chosen_filter():
            self._seen_filter, self.bulk_action = self._chosen_filter(), ""
            self._choose([])
        return partial(_read, self.filters["status"], self.filters["kind"], self.cursor, self._job)

    def _show(self, result: tuple[Page[JobRow], JobDetail | None]) -> None:
        page, detail = result
        self.rows = list(page.items)
        self.next_cursor = page.next_cursor or ""
        self.chosen = detail.job if detail else _NOTHING
        self.controls = list(detail.controls) if detail else []
        self.args = json.dumps(detail.args, indent=2, ensure_ascii=False) if detail else ""
        self.waits_for = _WAITS.get(self.chosen.waiting_for or "", "")
        errors = detail.errors if detail else ()
        self.tries = [TryView(str(e.get("attempt")), str(e.get("at")), str(e.get("error"))) for e in errors]
        if self._job and detail is None:
            self.notice = "No job has that number; it was done long ago, or the address is not right."

    def _page_ids(self) -> list[int]:
        return [row.id for row in self.rows]

    def _chosen_filter(self) -> tuple[str | None, str | None]:
        return self.filters.get("status") or None, self.filters.get("kind") or None

    def _filter_names(self) -> tuple[str, ...]:
        return ("status", "kind")

    def _route(self) -> str:
        return routes.QUEUE


def _read(status: str, kind: str, cursor: str, job: str) -> tuple[Page[JobRow], JobDetail | None]:
    page = list_jobs(status=status, kind=kind, cursor=cursor)
    try:
        return page, get_job(int(job)) if job.isdecimal() and len(job) < 19 else None
    except NotFound:
        return page, None
