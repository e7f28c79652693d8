"""Sending one notification: asked of the channel's limits first, tried, and its outcome kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from cursor_monitor.domain.jobs import ClaimedJob, Discard, Outcome, Retry, Settled, Snooze
from cursor_monitor.domain.notifications import ChannelKind, Notice, NoticeKind, one_line
from cursor_monitor.outgoing import http, mail, messages
from cursor_monitor.outgoing.errors import DeliveryError
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.secrets.redaction import redact
from cursor_monitor.secrets.vault import vault
from cursor_monitor.services.tuning import current
from cursor_monitor.store import jobs, notifications, tables
from cursor_monitor.store.database import transactional
from cursor_monitor.store.events import database_now

OLDEST_HOURS = 6.0


@dataclass(frozen=True, slots=True)
class _Errand:
    """What is to be sent where; `target` and `secret` are open here and nowhere else."""

    delivery_id: str
    kind: ChannelKind
    target: str = field(repr=False)
    secret: str = field(repr=False)
    notice: Notice


def owner_of_target(channel_id: object) -> str:
    """The name under which a channel's address is sealed."""
    return f"notification_channel:{channel_id}:target"


def owner_of_secret(channel_id: object) -> str:
    """The name under which a channel's signing secret is sealed."""
    return f"notification_channel:{channel_id}:secret"


async def send_notification(job: ClaimedJob) -> Outcome:
    """Send it; a lost answer is sent again under the same id, by which the other side can tell."""
    begun = await asyncio.to_thread(_begin, job)
    if not isinstance(begun, _Errand):
        return begun
    try:
        await _send(begun)
    except DeliveryError as error:
        await asyncio.to_thread(_note_failure, job, begun.delivery_id, error)
        return Discard(error.message) if error.is_final else Retry(error.message, error.after_seconds)
    await asyncio.to_thread(_note_sent, job, begun.delivery_id)
    return Settled()


async def give_up_notification(job: ClaimedJob, error: str) -> None:
    """Say at the delivery that it will not come by itself any more."""
    await asyncio.to_thread(_note_given_up, job, error)


@transactional
def _begin(session: Session, job: ClaimedJob) -> _Errand | Outcome:
    delivery = notifications.find_delivery(session, UUID(str(job.args["delivery_id"])))
    channel = notifications.find(session, delivery.channel_id, lock=True) if delivery else None
    if delivery is None or channel is None or delivery.status in ("sent", "dropped"):
        jobs.complete_held(session, job)
        return Settled()
    if why := _why_dropped(session, delivery, channel):
        now = database_now(session)
        notifications.update_delivery(session, delivery.id, status="dropped", error=why, finished_at=now)
        jobs.complete_held(session, job)
        return Settled()
    wait = notifications.seconds_to_wait(session, channel.id, channel.per_minute)
    if wait > 0:
        return Snooze(wait, forgets=False)
    try:
        errand = _errand(delivery, channel)
    except SecretError as error:
        return Retry(f"the address of channel {channel.name} cannot be decrypted: {error}")
    notifications.begin_try(session, delivery.id, delivery.attempts + 1)
    return errand


def _why_dropped(
    session: Session, delivery: tables.NotificationDelivery, channel: tables.NotificationChannel
) -> str | None:
    if not channel.is_enabled and delivery.kind != NoticeKind.TEST:
        return "the channel is switched off"
    age = (database_now(session) - delivery.created_at).total_seconds()
    return f"it was older than {OLDEST_HOURS:g} hours" if age > OLDEST_HOURS * 3600 else None


def _errand(delivery: tables.NotificationDelivery, channel: tables.NotificationChannel) -> _Errand:
    sealed = channel.secret_sealed
    return _Errand(
        delivery_id=str(delivery.id),
        kind=ChannelKind(channel.kind),
        target=vault().decrypt(channel.target_sealed, owner_of_target(channel.id)),
        secret=vault().decrypt(sealed, owner_of_secret(channel.id)) if sealed else "",
        notice=_notice(delivery.notice),
    )


def _notice(kept: dict[str, Any]) -> Notice:
    return Notice(**{**kept, "kind": NoticeKind(kept["kind"]), "at": datetime.fromisoformat(kept["at"])})


async def _send(errand: _Errand) -> None:
    base = current().public_url
    link = f"{base}{errand.notice.path}" if base else None
    private = current().notify_allow_private
    match errand.kind:
        case ChannelKind.SLACK:
            await http.post(errand.target, messages.slack_body(errand.notice, link), {}, allow_private=private)
        case ChannelKind.WEBHOOK:
            body = messages.webhook_body(errand.notice, link)
            headers = messages.webhook_headers(errand.secret, errand.delivery_id, int(time.time()), body)
            await http.post(errand.target, body, headers, allow_private=private)
        case ChannelKind.EMAIL:
            await _mail(errand, link)


async def _mail(errand: _Errand, link: str | None) -> None:
    server = current().mail_server
    if server is None:
        raise DeliveryError("there is no mail server: set SMTP_HOST and SMTP_FROM", is_final=True)
    recipients, text = errand.target.split(","), messages.mail_text(errand.notice, link)
    message = mail.compose(server, recipients, errand.notice.title, text, errand.delivery_id)
    await asyncio.to_thread(mail.send, server, message)


@transactional
def _note_sent(session: Session, job: ClaimedJob, delivery_id: str) -> None:
    now = database_now(session)
    delivery = notifications.find_delivery(session, UUID(delivery_id))
    if delivery is not None:
        notifications.update_delivery(session, delivery.id, status="sent", error=None, finished_at=now)
        notifications.update(session, delivery.channel_id, sent_at=now, failure=None, failed_at=None)
    jobs.complete_held(session, job)


@transactional
def _note_failure(session: Session, job: ClaimedJob, delivery_id: str, error: DeliveryError) -> None:
    delivery = notifications.find_delivery(session, UUID(delivery_id))
    if delivery is not None and jobs.is_held(session, job):
        now, said = database_now(session), one_line(redact(error.message), 300)
        notifications.update_delivery(session, delivery.id, error=said)
        notifications.update(session, delivery.channel_id, failure=said, failed_at=now)


@transactional
def _note_given_up(session: Session, job: ClaimedJob, error: str) -> None:
    try:
        delivery_id = UUID(str(job.args.get("delivery_id")))
    except ValueError:
        return
    now, said = database_now(session), one_line(redact(error), 300)
    notifications.update_delivery(session, delivery_id, status="failed", error=said, finished_at=now)
