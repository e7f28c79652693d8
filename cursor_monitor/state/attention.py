"""What waits for a person and what runs, wherever one is: for the bell, the title and the icon of the tab."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.board import Column
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries.board import Board, Card, get_board
from cursor_monitor.queries.needs import seen_marks
from cursor_monitor.services import needs as service
from cursor_monitor.services.caller import personal
from cursor_monitor.state.live import LiveMixin

SHOWN = 20
_SEEN_SECONDS = 300.0  # a commit tells of a change; this is for one whose notice was lost
_LEAST_SECONDS = 1.0  # between two looks at the board, for all pages of this process together


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person; `mark` changes when the reason does, and it `is_new` until it was seen."""

    mark: str
    name: str
    why: str
    tone: str
    href: str
    since: str
    is_new: bool


class AttentionState(LiveMixin, rx.State):
    """The most urgent things, and how many there are in all."""

    _pace_seconds: ClassVar[float] = 0.5

    needs: list[Need] = []
    count: str = "0"  # "200+" where there are more than were looked at
    running: int = 0
    has_new: bool = False

    @rx.event
    async def see(self):
        """All that the list shows was seen by this person, here and wherever else they are."""
        marks = [need.mark for need in self.needs if need.is_new]
        self._put(needs=[replace(need, is_new=False) for need in self.needs], has_new=False)
        with contextlib.suppress(AppError):  # then it is new once more
            await asyncio.to_thread(service.see, marks)

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        return partial(_look, personal())

    def _show(self, result: tuple[Board, frozenset[str]]) -> None:
        board, seen = result
        needs = [_need(card, seen) for card in board.needs[:SHOWN]]
        self._put(
            needs=needs,
            has_new=any(need.is_new for need in needs),
            count=f"{len(board.needs)}{'+' if board.is_cut else ''}",
            running=sum(len(lane.cards) for lane in board.lanes if lane.name == Column.WORKING),
        )


async def _look(owner: str) -> tuple[Board, frozenset[str]]:
    board = await live.shared("board", live.EVERYTHING, get_board, least_seconds=_LEAST_SECONDS)
    seen = await live.shared(f"seen {owner}", live.seen_topic(owner), partial(seen_marks, owner), _SEEN_SECONDS)
    return board, seen


def _need(card: Card, seen: frozenset[str]) -> Need:
    mark = f"{card.id} {card.column} {card.act}"
    return Need(mark, card.name, card.why, card.tone, card.href, card.since.isoformat(), mark not in seen)
