"""What an administrator does to the notification channels: add, change, try, delete."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.errors import Conflict, Invalid, NotFound
from cursor_monitor.domain.ids import mint_uuid7
from cursor_monitor.domain.jobs import notify_key
from cursor_monitor.domain.notifications import CHOICES, ChannelKind, Notice, NoticeKind
from cursor_monitor.domain.profiles import parse_pattern
from cursor_monitor.engine.plan import refuse_unknown
from cursor_monitor.outgoing.addresses import check_url
from cursor_monitor.outgoing.mail import check_recipients
from cursor_monitor.secrets import redaction
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.vault import vault
from cursor_monitor.services import audit
from cursor_monitor.services.caller import current_caller
from cursor_monitor.services.notification_sending import owner_of_secret, owner_of_target
from cursor_monitor.services.notify import tell_one
from cursor_monitor.services.tuning import current
from cursor_monitor.store import accounts, limits, notifications, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

CHANNELS_LIMIT = 50
NAME_LIMIT = 60
TESTS_MOST = 5
RATE_MOST, RATE_USUAL = 600, 30
SECRET_LEAST, SECRET_MOST = 24, 64
_FIELDS = frozenset({"name", "kind", "target", "secret", "events", "repository", "per_minute", "is_enabled"})


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel that was made; its signing secret is told here and never again."""

    id: str
    secret: str | None


@transactional
def create(session: Session, fields: Mapping[str, Any]) -> NewChannel:
    """Add a channel; a webhook gets a signing secret where none is given.

    Raises Invalid naming the field, Conflict where there are too many.
    """
    refuse_unknown(fields, _FIELDS)
    kind = _kind(fields.get("kind"))
    target = _target(kind, fields.get("target"))
    secret = _secret(kind, fields.get("secret"))
    values = _plain({"events": [*CHOICES], "per_minute": RATE_USUAL, "is_enabled": True, "name": None} | dict(fields))
    if notifications.count(session) >= CHANNELS_LIMIT:
        raise Conflict(f"There are {CHANNELS_LIMIT} channels, which is the most; delete one first.")
    channel_id, now = mint_uuid7(), database_now(session)
    sealed = _seal(session, channel_id, kind, target, secret)
    actor = current_caller()
    known = {"id": channel_id, "kind": str(kind), "created_by": actor.name, "created_at": now, "updated_at": now}
    if not notifications.insert_channel(session, **known, **sealed, **values):
        raise _taken(values["name"])
    limits.set_limit(session, notify_key(str(channel_id)), 1)
    audit.note(session, actor, "notification channel added", str(values["name"]), kind=kind)
    return NewChannel(str(channel_id), secret)


@transactional
def change(session: Session, channel_id: str, fields: Mapping[str, Any]) -> None:
    """Change what is given and keep the rest; raises Invalid naming the field, NotFound."""
    refuse_unknown(fields, _FIELDS)
    channel = _locked(session, channel_id)
    kind = ChannelKind(channel.kind)
    if fields.get("kind") not in (None, channel.kind):
        raise Invalid("kind", f"is {channel.kind} and stays so; add another channel")
    values = _plain({name: value for name, value in fields.items() if value is not None or name == "repository"})
    if "name" in values and notifications.is_taken(session, values["name"], but=channel.id):
        raise _taken(values["name"])
    target = _target(kind, fields["target"]) if fields.get("target") is not None else None
    secret = _secret(kind, fields["secret"]) if fields.get("secret") is not None else None
    sealed = _seal(session, channel.id, kind, target, secret)
    notifications.update(session, channel.id, updated_at=database_now(session), **values, **sealed)
    changed = ", ".join(sorted(fields))
    audit.note(session, current_caller(), "notification channel changed", channel.name, fields=changed)


@transactional
def delete(session: Session, channel_id: str) -> None:
    """Forget a channel, its address and what went over it; raises NotFound."""
    channel = _locked(session, channel_id)
    notifications.delete(session, channel.id)
    audit.note(session, current_caller(), "notification channel deleted", channel.name)


@transactional
def send_test(session: Session, channel_id: str) -> None:
    """Have a worker send a message that says it is a test; raises NotFound, Conflict while several are on their way."""
    channel, now = _locked(session, channel_id), database_now(session)
    if notifications.count_pending_tests(session, channel.id) >= TESTS_MOST:
        raise Conflict(f"{TESTS_MOST} tests of this channel are still on their way; see what comes of them first.")
    actor = current_caller()
    notice = Notice(
        kind=NoticeKind.TEST,
        key=f"test:{mint_uuid7()}",
        title="This is a test",
        text=f"{actor.name} tries the channel {channel.name}. Nothing happened.",
        at=now,
        path="/settings/notifications",
    )
    tell_one(session, channel.id, notice)
    audit.note(session, actor, "notification channel tried", channel.name)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept as it is, checked; only the fields that are given."""
    checks = {
        "name": _name,
        "events": _events,
        "repository": _repository,
        "per_minute": _rate,
        "is_enabled": _is_enabled,
    }
    return {name: check(fields[name]) for name, check in checks.items() if name in fields}


def _seal(
    session: Session, channel_id: UUID, kind: ChannelKind, target: str | None, secret: str | None
) -> dict[str, str]:
    accounts.lock_keys(session, alone=False)
    redaction.register(secret, target if kind is not ChannelKind.EMAIL else None)
    sealed: dict[str, str] = {}
    try:
        if target is not None:
            sealed["target_sealed"] = vault().encrypt(target, owner_of_target(channel_id))
            sealed["target_hint"] = _hint(kind, target)
        if secret is not None:
            sealed["secret_sealed"] = vault().encrypt(secret, owner_of_secret(channel_id))
    except SecretError as error:
        raise Conflict(f"The address cannot be kept: {error}.", code="no_master_key") from None
    return sealed


def _hint(kind: ChannelKind, target: str) -> str:
    """What is shown of an address: the rest of a webhook's is as good as a password."""
    if kind is ChannelKind.EMAIL:
        return target.replace(",", ", ")[:300]
    return f"{urlsplit(target).hostname}/…"


def _kind(value: object) -> ChannelKind:
    try:
        kind = ChannelKind(str(value))
    except ValueError:
        raise Invalid("kind", f"must be one of {', '.join(ChannelKind)}") from None
    if kind is ChannelKind.EMAIL and current().mail_server is None:
        raise Invalid("kind", "email needs a mail server: set SMTP_HOST and SMTP_FROM, and start again")
    return kind


def _target(kind: ChannelKind, value: object) -> str:
    if kind is ChannelKind.EMAIL:
        return ",".join(check_recipients(value))
    return check_url(value, allow_private=current().notify_allow_private)


def _secret(kind: ChannelKind, value: object) -> str | None:
    if kind is not ChannelKind.WEBHOOK:
        if value is not None:
            raise Invalid("secret", "is for channels of the kind webhook alone")
        return None
    if value is None:
        return "whsec_" + base64.b64encode(os.urandom(32)).decode()
    text = value.strip() if isinstance(value, str) else ""
    try:
        size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        size = 0
    if not SECRET_LEAST <= size <= SECRET_MOST:
        example = f"whsec_ and the base64 of {SECRET_LEAST} to {SECRET_MOST} bytes; leave it out to have one made"
        raise Invalid("secret", f"must be {example}")
    return text


def _name(value: object) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid("name", f"must be one line of 1 to {NAME_LIMIT} characters, such as team chat")
    return name


def _events(value: object) -> list[str]:
    known = [str(kind) for kind in CHOICES]
    if not isinstance(value, (list, tuple)) or not value:
        raise Invalid("events", f"must be a list of at least one of {', '.join(known)}")
    for one in value:
        if one not in known:
            raise Invalid("events", f"{str(one)[:40]!r} is none; use {', '.join(known)}")
    return [kind for kind in known if kind in value]


def _repository(value: object) -> str | None:
    if value is None or value == "":
        return None
    try:
        return parse_pattern(value)
    except Invalid as error:
        raise Invalid("repository", error.message.partition(": ")[2]) from None


def _rate(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= RATE_MOST:
        raise Invalid("per_minute", f"must be a whole number from 1 to {RATE_MOST}")
    return value


def _is_enabled(value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid("is_enabled", "must be true or false")
    return value


def _locked(session: Session, channel_id: str) -> tables.NotificationChannel:
    try:
        found = notifications.find(session, UUID(channel_id), lock=True)
    except ValueError:
        found = None
    if found is None:
        raise NotFound(f"No channel has the id {channel_id[:60]}.")
    return found


def _taken(name: str) -> Invalid:
    return Invalid("name", f"{name!r} is taken; choose another")
