"""Cursor's status webhooks (v0): is this delivery genuine and fresh, and what does it say."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from cursor_monitor.cursor.fields import PayloadError, moment, object_of, optional_text, parse_json, text
from cursor_monitor.cursor.payloads import normalise_repository

SIGNATURE_HEADER = "X-Webhook-Signature"
DELIVERY_HEADER = "X-Webhook-ID"
MAX_AGE = timedelta(minutes=15)
MAX_SKEW = timedelta(minutes=2)

Reason = Literal["no_secret", "bad_signature", "malformed", "stale"]


class WebhookRefusedError(Exception):
    """A delivery that must not be acted on; `reason` says why, and never quotes it."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason: Reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Delivery:
    """A genuine delivery; `dedupe_key` is its body's SHA-256, as a retry may carry a new `delivery_id`."""

    event: str
    sent_at: datetime
    agent_id: str
    status: str
    repository: str | None
    ref: str | None
    branch: str | None
    pr_url: str | None
    summary: str | None
    delivery_id: str | None
    dedupe_key: str


def receive(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secret: str | None,
    now: datetime,
    max_age: timedelta = MAX_AGE,
) -> Delivery:
    """Check a delivery and read it; `body` is the raw one, any doubt raises WebhookRefusedError."""
    lowered = {name.lower(): value for name, value in headers.items()}
    _check_signature(body, lowered.get(SIGNATURE_HEADER.lower(), ""), secret)
    try:
        delivery = _read(body, lowered.get(DELIVERY_HEADER.lower()))
    except PayloadError as error:
        raise WebhookRefusedError("malformed", str(error)) from None
    if not now - max_age <= delivery.sent_at <= now + MAX_SKEW:
        raise WebhookRefusedError("stale", "the delivery's own timestamp is too far from now")
    return delivery


def sign(body: bytes, secret: str) -> str:
    """The signature header of a body: `sha256=` and the hex HMAC-SHA256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _check_signature(body: bytes, signature: str, secret: str | None) -> None:
    if not secret:
        raise WebhookRefusedError("no_secret", "no webhook secret is configured, so nothing can be trusted")
    # Bytes, because compare_digest refuses text that is not ASCII.
    if not hmac.compare_digest(signature.strip().encode(), sign(body, secret).encode()):
        raise WebhookRefusedError("bad_signature", "the signature does not fit the body")


def _read(body: bytes, delivery_id: str | None) -> Delivery:
    data = object_of(parse_json(body), "body")
    source, target = _part(data, "source"), _part(data, "target")
    repository = optional_text(source, "repository")
    return Delivery(
        event=text(data, "event"),
        sent_at=moment(data, "timestamp"),
        agent_id=text(data, "id"),
        status=text(data, "status"),
        repository=normalise_repository(repository) if repository else None,
        ref=optional_text(source, "ref"),
        branch=optional_text(target, "branchName"),
        pr_url=optional_text(target, "prUrl"),
        summary=optional_text(data, "summary"),
        delivery_id=delivery_id,
        dedupe_key=hashlib.sha256(body).hexdigest(),
    )


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = data.get(name)
    return part if isinstance(part, dict) else {}
