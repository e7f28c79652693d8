"""The websocket of the pages under the rule of the API: each event shows who it is from, and that they may."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import reflex as rx
from reflex.event import Event
from reflex.state import BaseState, StateUpdate

from cursor_monitor.domain.access import LOCAL, Actor, Role
from cursor_monitor.domain.errors import Unavailable
from cursor_monitor.services import audit
from cursor_monitor.services.caller import forbidden, set_caller
from cursor_monitor.services.identities import identify_session
from cursor_monitor.services.session_keys import key_in
from cursor_monitor.state.passing import Pass, hold, leave
from cursor_monitor.state.permissions import role_for_event, short_name
from cursor_monitor.state.shell import ShellState

_WITH_WORDS = frozenset({"orchestration_state.control", "orchestration_state.control_task", "queue_state.act"})


class EventGuard(rx.Middleware):
    """Looks at every event before its handler does; in the open mode everybody is `local`."""

    def __init__(self, *, is_closed: bool) -> None:
        self._is_closed = is_closed

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        """Let the event through, or answer it with where to sign in or why it is refused."""
        root = cast(rx.State, state._get_root_state())
        needed = role_for_event(event.name)
        actor = await self._identify(root, needed)
        set_caller(actor)
        if actor is None:
            return _leave()
        shell = await root.get_state(ShellState)
        if shell._change_owner(actor.key):
            root.reset()  # what another person was shown in this tab
            shell._change_owner(actor.key)
        if not actor.role.includes(needed):
            return await _refuse(root, shell, actor, needed, event)
        if needed is not Role.VIEWER and not event.name.endswith(".watch"):  # to look is no change
            subject = str(root.router.url.path)
            await asyncio.to_thread(audit.record, actor, short_name(event.name), subject, audit.BEGUN, _details(event))
        return None

    async def _identify(self, root: rx.State, needed: Role) -> Actor | None:
        hold(None)
        if not self._is_closed:
            return LOCAL
        key = key_in(root.router.headers.cookie)
        ip = root.router.session.client_ip or None
        if not key:
            return None
        hold(Pass(key, ip, needed, time.monotonic()))
        try:
            return await asyncio.to_thread(identify_session, key, ip)
        except Unavailable:
            return None


def _leave() -> StateUpdate:
    return StateUpdate(events=Event.from_event_type(leave()))


async def _refuse(root: rx.State, shell: ShellState, actor: Actor, needed: Role, event: Event) -> StateUpdate:
    details = {"role": actor.role, "needed": needed}
    subject = str(root.router.url.path)
    await asyncio.to_thread(audit.record, actor, short_name(event.name), subject, audit.REFUSED, details)
    shell._refuse(forbidden(actor, needed).message)
    delta = await root._get_resolved_delta()
    root._clean()
    return StateUpdate(delta=delta)


def _details(event: Event) -> dict[str, object]:
    """What was asked for, of the handlers whose arguments are words of ours; a form may hold a secret."""
    if short_name(event.name) not in _WITH_WORDS:
        return {}
    return {name: value for name, value in event.payload.items() if isinstance(value, str)}
