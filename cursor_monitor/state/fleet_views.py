"""The saved views of the fleet: opened by a link, saved under a name, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError
from cursor_monitor.queries.views import ViewRow, list_views
from cursor_monitor.services import views
from cursor_monitor.services.caller import personal
from cursor_monitor.state.agents import AgentsState
from cursor_monitor.state.live import LiveMixin


class FleetViewsState(LiveMixin, rx.State):
    """The views to choose from."""

    views: list[ViewRow] = []
    notice: str = ""
    saved: int = 0  # the key of the form, so that it is empty after each
    _is_personal: bool = False

    @rx.event
    async def save(self, form: dict[str, Any]):
        """Keep the list as it is shown under a name; one's own view of that name is replaced."""
        name, fleet = str(form.get("view_name") or ""), await self.get_state(AgentsState)
        wanted = " ".join(name.split()).lower()
        known = [one.id for one in self.views if one.name.lower() == wanted and one.shared != self._is_personal]
        if known:
            await self._do(views.replace, known[0], name, fleet.here)
        else:
            await self._do(views.create, name, fleet.here)

    @rx.event
    async def remove(self, view_id: str):
        """Forget a view."""
        await self._do(views.delete, view_id)

    async def _do(self, service: Callable[..., Any], *args: str) -> None:
        self.notice = ""
        try:
            await asyncio.to_thread(service, *args)
        except AppError as error:
            self.notice = error.message
        else:
            self.saved += 1

    def _topic(self) -> str:
        return live.VIEWS

    def _query(self) -> Callable[[], Any]:
        self._is_personal = personal() != ""
        return partial(list_views, personal())

    def _show(self, result: tuple[ViewRow, ...]) -> None:
        self._put(views=list(result))
