"""What every page shows around itself: who is alive, what needs a person, whether the data is old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.queries.health import Health, get_health
from cursor_monitor.state.live import LiveMixin


class ShellState(LiveMixin, rx.State):
    """The bar at the top and the banners under it."""

    database_is_out: bool = False
    worker_is_out: bool = False
    worker_seen_at: str = ""
    worker_message: str = ""
    is_simulated: bool = False
    accounts_refused: str = ""  # what is wrong with them and what to do

    def _topic(self) -> str:
        return live.HEALTH

    def _query(self) -> Callable[[], Any]:
        return get_health

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
