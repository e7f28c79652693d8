"""What waits for a person and what runs, wherever one is: for the bell, the title and the icon of the tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.board import Column
from cursor_monitor.queries.board import Board, Card, get_board
from cursor_monitor.state.live import LiveMixin

SHOWN = 20
_LEAST_SECONDS = 1.0  # between two looks at the board, for all pages of this process together


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person; `mark` changes when the reason does."""

    mark: str
    name: str
    why: str
    tone: str
    href: str
    since: str


class AttentionState(LiveMixin, rx.State):
    """The most urgent things, and how many there are in all."""

    _pace_seconds: ClassVar[float] = 0.5

    needs: list[Need] = []
    count: str = "0"  # "200+" where there are more than were looked at
    running: int = 0

    def _topic(self) -> str:
        return live.EVERYTHING

    def _query(self) -> Callable[[], Any]:
        return _shared_board

    def _show(self, result: Board) -> None:
        needs = result.needs
        self._put(
            needs=[_need(card) for card in needs[:SHOWN]],
            count=f"{len(needs)}{'+' if result.is_cut else ''}",
            running=sum(len(lane.cards) for lane in result.lanes if lane.name == Column.WORKING),
        )


async def _shared_board() -> Board:
    return await live.shared("board", live.EVERYTHING, get_board, least_seconds=_LEAST_SECONDS)


def _need(card: Card) -> Need:
    mark = f"{card.id} {card.column} {card.act}"
    return Need(mark, card.name, card.why, card.tone, card.href, card.since.isoformat())
