"""The audit log under the filters of the address, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live, routes
from cursor_monitor.queries.access import AuditRow, list_audit
from cursor_monitor.queries.page import Page
from cursor_monitor.state.live import LiveMixin
from cursor_monitor.state.paging import PagingMixin


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry, in words."""

    id: int
    at: str
    actor: str
    kind: str
    action: str
    subject: str
    outcome: str
    details: str
    ip: str


class AuditState(LiveMixin, PagingMixin, rx.State):
    """One page of the log; `q` is a part of an action's name."""

    rows: list[AuditLine] = []

    def _topic(self) -> str:
        return live.ACCESS

    def _query(self) -> Callable[[], Any]:
        self._read_address()
        given = {name: value or None for name, value in self.filters.items()}
        return partial(list_audit, **given, action=self.q or None, cursor=self.cursor or None)

    def _show(self, result: Page[AuditRow]) -> None:
        self._put(rows=[_line(row) for row in result.items], next_cursor=result.next_cursor or "")

    def _filter_names(self) -> tuple[str, ...]:
        return ("actor", "outcome")

    def _route(self) -> str:
        return routes.AUDIT


def _line(row: AuditRow) -> AuditLine:
    details = ", ".join(f"{name} {value}" for name, value in row.details.items())
    return AuditLine(
        row.id,
        row.at.isoformat(),
        row.actor,
        row.kind,
        row.action,
        row.subject or "",
        row.outcome,
        details,
        row.ip or "",
    )
