"""What an event came in with, for the loops that it starts: they end with the session."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor.domain.access import Role
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.services.caller import set_caller
from cursor_monitor.services.identities import identify_session

# The gate then sends to the sign-in page; a constant, as it is evaluated in the browser.
LEAVE = "window.location.reload()"
_RECHECK_SECONDS = 5.0


@dataclass
class Pass:
    """What one event, and the loop it may have started, came in with."""

    key: str
    ip: str | None
    needed: Role
    checked: float


_pass: ContextVar[Pass | None] = ContextVar("pass", default=None)


def hold(held: Pass | None) -> None:
    """Keep what this event came in with; None in the open mode."""
    _pass.set(held)


async def may_go_on() -> bool:
    """True while who started this loop may still see what it shows; looked up every few seconds."""
    held = _pass.get()
    if held is None or time.monotonic() - held.checked < _RECHECK_SECONDS:
        return True
    held.checked = time.monotonic()
    try:
        actor = await asyncio.to_thread(identify_session, held.key, held.ip)
    except Unavailable:
        return True  # nothing new can be read meanwhile
    if actor is None:
        return False
    set_caller(actor)  # what was taken from them meanwhile, they see no more
    return actor.role.includes(held.needed)


def leave() -> Any:
    """What sends a browser that is no longer signed in to where one signs in."""
    return rx.call_script(LEAVE)
