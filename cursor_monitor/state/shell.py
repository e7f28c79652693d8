"""What every page shows around itself: who is alive, what needs a person, whether the data is old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.access import ActorKind, Role
from cursor_monitor.queries.health import Health, get_health
from cursor_monitor.services.caller import current_caller
from cursor_monitor.state.live import LiveMixin

_MOST_SAYINGS = 3


@dataclass(frozen=True, slots=True)
class Saying:
    """What became of something that a person did."""

    number: int
    text: str


class ShellState(LiveMixin, rx.State):
    """The bar at the top and the banners under it."""

    database_is_out: bool = False
    worker_is_out: bool = False
    worker_seen_at: str = ""
    worker_message: str = ""
    is_simulated: bool = False
    accounts_refused: str = ""  # what is wrong with them and what to do
    is_open: bool = False
    user_name: str = ""
    role: str = ""
    may_operate: bool = False
    may_admin: bool = False
    refusal: str = ""
    sayings: list[Saying] = []
    _said: int = 0
    _said_at: str = ""
    _owner: str = ""
    _refused_at: str = ""

    def _topic(self) -> str:
        return live.HEALTH

    def _query(self) -> Callable[[], Any]:
        self._show_caller()
        return get_health

    def _refuse(self, message: str) -> None:
        """Say why something was refused, for as long as this page is open."""
        self.refusal, self._refused_at = message, str(self.router.url.path)

    def _say(self, text: str) -> None:
        """Tell what became of an action, for a moment."""
        self._said, self._said_at = self._said + 1, str(self.router.url.path)
        self.sayings = [*self.sayings, Saying(self._said, text)][-_MOST_SAYINGS:]

    def _change_owner(self, key: str) -> bool:
        """Note whose tab this is; True where it was another's."""
        before, self._owner = self._owner, key
        return before not in ("", key)

    def _show_caller(self) -> None:
        actor = current_caller()
        self.is_open = actor.kind is ActorKind.LOCAL
        self.user_name = actor.name
        self.role = str(actor.role)
        self.may_operate = actor.role.includes(Role.OPERATOR)
        self.may_admin = actor.role.includes(Role.ADMIN)
        if self._refused_at != str(self.router.url.path):
            self.refusal = ""
        if self._said_at != str(self.router.url.path) and self.sayings:
            self.sayings = []

    def _show(self, result: Health) -> None:
        parts = {part.name: part for part in result.components}
        worker = parts["worker"]
        self.database_is_out = parts["database"].status == "down"
        self.worker_is_out = worker.status in ("down", "degraded")
        self.worker_message = worker.message
        self.worker_seen_at = str(worker.facts.get("since") or "")
        standing = parts["accounts"]
        self.accounts_refused = standing.message if standing.status == "degraded" else ""
        if result.workers:
            self.is_simulated = bool(result.workers[0].details.get("simulated"))
