"""What a person does on the page of one thing: a service is called, a refusal is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx

from cursor_monitor.domain.errors import AppError
from cursor_monitor.services.caller import caller_name
from cursor_monitor.state.shell import ShellState


class ActingMixin(rx.State, mixin=True):
    """A page whose address ends with the id of what it shows."""

    notice: str = ""

    def _id(self) -> str:
        return str(self.router.url.path).rstrip("/").rpartition("/")[2]

    async def _do(self, service: Callable[..., Any], *args: str, done: str = "") -> bool:
        """Call a service in this person's name and say `done`; False, the reason in `notice`, where it refuses."""
        self.notice = ""
        try:
            await asyncio.to_thread(service, *args, by=caller_name())
        except AppError as error:
            self.notice = error.message
            return False
        if done:
            (await self.get_state(ShellState))._say(done)
        return True
