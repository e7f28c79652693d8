"""A selection of agents, and one action on all of it: looked at first, then done once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import reflex as rx

from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.fleet import BATCH_LIMIT, BulkAction, FleetFilter
from cursor_monitor.services import bulk
from cursor_monitor.services.bulk import Outcome, Refusal, Wanted
from cursor_monitor.services.caller import caller_name

DOING: dict[str, str] = {
    BulkAction.FOLLOWUP: "A follow-up goes to",
    BulkAction.STOP: "Stopping",
    BulkAction.ARCHIVE: "Archiving",
    BulkAction.UNARCHIVE: "Unarchiving",
    BulkAction.DELETE: "Deleting",
    BulkAction.TAG: "Tagged",
    BulkAction.UNTAG: "Untagged",
    BulkAction.PIN: "Pinned",
    BulkAction.UNPIN: "Unpinned",
}
_REASONS_SHOWN = 6
_ID_LENGTH = 100


class BulkMixin(rx.State, mixin=True):
    """What is chosen of a list, and the dialog that asks before it acts."""

    selected: list[str] = []
    over_filter: bool = False
    bulk_action: str = ""
    bulk_count: int = 0
    bulk_refused: list[Refusal] = []
    bulk_refused_count: int = 0
    bulk_error: str = ""
    bulk_done: str = ""
    _batch_id: str = ""

    @rx.event
    def toggle(self, agent_id: str):
        """Choose an agent, or let it go."""
        if agent_id in self.selected:
            self._choose([one for one in self.selected if one != agent_id])
        else:
            self._choose([*self.selected, agent_id])

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
        """Open the dialog of an action, with the number of agents that it would take in."""
        if action not in tuple(BulkAction) or not (self.selected or self.over_filter):
            return
        self._batch_id = str(uuid.uuid4())
        self.bulk_done = ""
        await self._look(action)

    @rx.event
    async def confirm_bulk(self, form: dict[str, Any]):
        """Do it to as many as were shown; where it is another number by now, that is shown instead."""
        if not self.bulk_action:
            return
        text = str(form.get("bulk_text", ""))
        try:
            wanted = self._wanted(BulkAction(self.bulk_action), text)
            done = await asyncio.to_thread(
                bulk.act, wanted, expected=self.bulk_count, batch_id=self._batch_id, by=caller_name()
            )
        except Invalid as error:
            self.bulk_error = error.message.partition(": ")[2]
        except AppError as error:
            await self._look(self.bulk_action)
            self.bulk_error = error.message
        else:
            self.bulk_done = _told(self.bulk_action, done)
            self.bulk_action = ""
            self._choose([])

    @rx.event
    def close_bulk(self, is_open: bool = False):
        """Leave everything as it is."""
        if not is_open:
            self.bulk_action = ""

    async def _look(self, action: str) -> None:
        try:
            found = await asyncio.to_thread(bulk.look, self._wanted(BulkAction(action), "something"))
        except AppError as error:
            self.bulk_action, self.bulk_error, self.bulk_count, self.bulk_refused = action, error.message, 0, []
            self.bulk_refused_count = 0
            return
        self.bulk_action, self.bulk_error = action, ""
        self.bulk_count = len(found.accepted)
        self.bulk_refused = list(found.refused[:_REASONS_SHOWN])
        self.bulk_refused_count = len(found.refused)

    def _wanted(self, action: BulkAction, text: str) -> Wanted:
        is_tagging = action in (BulkAction.TAG, BulkAction.UNTAG)
        return Wanted(
            action,
            ids=None if self.over_filter else tuple(self.selected),
            filter=self._wanted_filter() if self.over_filter else None,
            prompt=text if action is BulkAction.FOLLOWUP else None,
            tag=text if is_tagging else None,
        )

    def _choose(self, ids: Sequence[str]) -> None:
        self.selected = [one for one in dict.fromkeys(ids) if len(one) <= _ID_LENGTH][:BATCH_LIMIT]
        self.over_filter = False

    def _wanted_filter(self) -> FleetFilter:
        raise NotImplementedError


def _told(action: str, done: Outcome) -> str:
    many = len(done.accepted)
    told = f"{DOING[action]} {many} {'agent' if many == 1 else 'agents'}."
    return f"{told} {len(done.refused)} left out." if done.refused else told
