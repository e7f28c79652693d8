"""Jobs chosen by hand or by the filter, and one action on all of them: counted first, then done to as many."""

from __future__ import annotations

import asyncio

import reflex as rx

from cursor_monitor.domain.errors import AppError
from cursor_monitor.domain.jobs import IDS_LIMIT, JobAction
from cursor_monitor.services import jobs
from cursor_monitor.services.jobs import Choice

_DONE = {JobAction.RETRY: "tried again", JobAction.RUN_NOW: "brought forward", JobAction.DISCARD: "discarded"}


class JobBulkMixin(rx.State, mixin=True):
    """What is chosen of the list, and the dialog that asks before it acts."""

    selected: list[int] = []
    over_filter: bool = False
    bulk_action: str = ""
    bulk_count: int = 0
    bulk_error: str = ""
    bulk_done: str = ""

    @rx.event
    def toggle(self, job_id: int):
        """Choose a job, or let it go."""
        if job_id in self.selected:
            self._choose([one for one in self.selected if one != job_id])
        else:
            self._choose([*self.selected, job_id])

    @rx.event
    def toggle_page(self):
        """Choose all jobs of this page, or none of them."""
        here = self._page_ids()
        if set(here) <= set(self.selected):
            self._choose([one for one in self.selected if one not in here])
        else:
            self._choose([*self.selected, *here])

    @rx.event
    def select_filter(self):
        """Choose all that fit the filter, those of other pages too."""
        self.over_filter = True

    @rx.event
    def clear_selection(self):
        """Choose nothing."""
        self._choose([])

    @rx.event
    async def begin(self, action: str):
        """Open the dialog of an action, with the number of jobs that it would change."""
        if action not in tuple(JobAction) or not (self.selected or self.over_filter):
            return
        self.bulk_done = ""
        await self._look(action)

    @rx.event
    async def confirm_bulk(self):
        """Do it to as many as were shown; where it is another number by now, that is shown instead."""
        if self.bulk_action not in tuple(JobAction) or not (self.selected or self.over_filter):
            return
        action = JobAction(self.bulk_action)
        try:
            done = await asyncio.to_thread(jobs.change_all, action, self.bulk_count, self._choice())
        except AppError as error:
            await self._look(action)
            self.bulk_error = error.message
        else:
            self.bulk_done = f"{done} {'job' if done == 1 else 'jobs'} {_DONE[action]}."
            self.bulk_action = ""
            self._choose([])

    @rx.event
    def close_bulk(self, is_open: bool = False):
        """Leave everything as it is."""
        if not is_open:
            self.bulk_action = ""

    async def _look(self, action: str) -> None:
        self.bulk_action, self.bulk_error, self.bulk_count = action, "", 0
        try:
            self.bulk_count = await asyncio.to_thread(jobs.count, JobAction(action), self._choice())
        except AppError as error:
            self.bulk_error = error.message

    def _choice(self) -> Choice:
        status, kind = self._chosen_filter()
        return Choice(None, status, kind) if self.over_filter else Choice(tuple(self.selected))

    def _choose(self, ids: list[int]) -> None:
        self.selected = [one for one in dict.fromkeys(ids) if isinstance(one, int)][:IDS_LIMIT]
        self.over_filter = False

    def _page_ids(self) -> list[int]:
        raise NotImplementedError

    def _chosen_filter(self) -> tuple[str | None, str | None]:
        raise NotImplementedError
