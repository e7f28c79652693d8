"""The notification channels, their newest deliveries, and the one form that changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from cursor_monitor import live
from cursor_monitor.domain.errors import AppError, Invalid
from cursor_monitor.domain.notifications import CHOICES
from cursor_monitor.queries.notifications import ChannelView, view_channels
from cursor_monitor.services import notification_channels as channels
from cursor_monitor.state.live import LiveMixin

_NEW = "new"
_EVENT = "event-"
_TEXTS = ("name", "kind", "target", "repository", "per_minute")
_EMPTY = {"name": "", "kind": "slack", "repository": "", "per_minute": "30"}


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One delivery, in words."""

    id: str
    title: str
    status: str
    error: str
    at: str


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel, in words, and what its form begins with."""

    id: str
    name: str
    kind: str
    target: str
    events: str
    limits: str
    is_enabled: bool
    sent_at: str
    failure: str
    failed_at: str
    deliveries: list[DeliveryLine]
    begins: dict[str, str]
    heard: list[str]


class NotificationsState(LiveMixin, rx.State):
    """Every channel; `chosen` is the one whose form is open, or new."""

    rows: list[ChannelLine] = []
    chosen: str = ""
    kind: str = "slack"
    begins: dict[str, str] = _EMPTY
    heard: list[str] = [*map(str, CHOICES)]
    errors: dict[str, str] = {}
    notice: str = ""
    done: str = ""
    made_secret: str = ""  # of a webhook that was just made, until the page is left or another form is opened
    is_sending: bool = False

    @rx.event
    def open_form(self, channel_id: str):
        """Open the form of a channel or of a new one; empty closes it."""
        row = next((row for row in self.rows if row.id == channel_id), None)
        self.chosen = channel_id if row or channel_id == _NEW else ""
        self.begins = row.begins if row else _EMPTY
        self.kind = self.begins["kind"]
        self.heard = row.heard if row else [*map(str, CHOICES)]
        self.errors, self.notice, self.done, self.made_secret = {}, "", "", ""

    @rx.event
    def forget_secret(self):
        """Show the secret of a new webhook no more."""
        self.made_secret = ""

    @rx.event
    def choose_kind(self, kind: str):
        """What the fields below it are about."""
        self.kind = kind[:20]

    @rx.event
    async def submit(self, form: dict[str, Any]):
        """Save what the form says; a refusal is shown at its field. An address is kept nowhere here."""
        if self.is_sending or not self.chosen:
            return
        self.errors, self.notice, self.done, self.is_sending = {}, "", "", True
        yield
        try:
            self.made_secret = await asyncio.to_thread(_save, self.chosen, form) or ""
        except Invalid as error:
            self.errors, self.notice = {error.field: error.message.partition(": ")[2]}, error.message
        except AppError as error:
            self.notice = error.message
        else:
            self.chosen, self.done = "", "Saved. Send a test to see that it arrives."
        self.is_sending = False
        yield NotificationsState.watch

    @rx.event
    async def act(self, action: str, channel_id: str):
        """Try it, switch it on or off, or delete it."""
        self.notice, self.done, self.made_secret = "", "", ""
        if action in _ACTIONS:
            service, said = _ACTIONS[action]
            try:
                await asyncio.to_thread(service, channel_id[:60])
            except AppError as error:
                self.notice = error.message
            else:
                self.done = said
        return NotificationsState.watch

    def _topic(self) -> str:
        return live.NOTIFICATIONS

    def _query(self) -> Callable[[], Any]:
        return view_channels

    def _show(self, result: tuple[ChannelView, ...]) -> None:
        self._put(rows=[_line(view) for view in result])


def _switch_on(channel_id: str) -> None:
    channels.change(channel_id, {"is_enabled": True})


def _switch_off(channel_id: str) -> None:
    channels.change(channel_id, {"is_enabled": False})


_ACTIONS: Mapping[str, tuple[Callable[[str], None], str]] = {
    "test": (channels.send_test, "A test is on its way; what came of it is shown below."),
    "enable": (_switch_on, "It is told of what happens again."),
    "disable": (_switch_off, "It is told of nothing until it is switched on."),
    "delete": (channels.delete, "Deleted; its address is forgotten."),
}


def _save(channel_id: str, form: Mapping[str, Any]) -> str | None:
    """Save the form; the signing secret where one was just made."""
    text = {name: str(form.get(name) or "").strip() for name in _TEXTS}
    fields: dict[str, Any] = {
        "name": text["name"],
        "events": [kind for kind in map(str, CHOICES) if form.get(_EVENT + kind) in (True, "on", "true")],
        "repository": text["repository"] or None,
        "per_minute": _number(text["per_minute"]),
    }
    if text["target"] or channel_id == _NEW:
        fields["target"] = text["target"]
    if channel_id == _NEW:
        return channels.create({**fields, "kind": text["kind"]}).secret
    channels.change(channel_id, fields)
    return None


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text  # the service says what is wrong with it


def _line(view: ChannelView) -> ChannelLine:
    row, most = view.channel, len(CHOICES)
    where = f", about {row.repository} alone" if row.repository else ""
    return ChannelLine(
        id=row.id,
        name=row.name,
        kind=row.kind,
        target=row.target_hint,
        events="everything" if len(row.events) == most else ", ".join(row.events),
        limits=f"{row.per_minute} a minute at most{where}",
        is_enabled=row.is_enabled,
        sent_at=row.sent_at.isoformat() if row.sent_at else "",
        failure=row.failure or "",
        failed_at=row.failed_at.isoformat() if row.failed_at else "",
        deliveries=[
            DeliveryLine(d.id, d.title, d.status, d.error or "", (d.finished_at or d.created_at).isoformat())
            for d in view.deliveries
        ],
        begins={
            "name": row.name,
            "kind": row.kind,
            "repository": row.repository or "",
            "per_minute": str(row.per_minute),
        },
        heard=list(row.events),
    )
