"""A notice in the words of each way out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cursor_monitor.domain.notifications import Notice

_MARK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def slack_body(notice: Notice, link: str | None) -> bytes:
    """What a Slack webhook takes; nothing in the texts can mention people or hide a link."""
    lines = [f"*{_slack(notice.title)}*", _slack(notice.text)]
    if link:
        lines.append(f"<{link}|Open it>")
    body = {"text": "\n".join(line for line in lines if line), "unfurl_links": False, "unfurl_media": False}
    return json.dumps(body).encode()


def webhook_body(notice: Notice, link: str | None) -> bytes:
    """What a program reads."""
    data: dict[str, Any] = {"title": notice.title, "text": notice.text, "url": link, **notice.facts}
    body = {"type": str(notice.kind), "timestamp": notice.at.isoformat(), "data": data}
    return json.dumps(body, separators=(",", ":")).encode()


def webhook_headers(secret: str, delivery_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The id, the time and the signature over both and the body, as Standard Webhooks has them."""
    signed = f"{delivery_id}.{seconds}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def mail_text(notice: Notice, link: str | None) -> str:
    """The body of a mail."""
    facts = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in notice.facts.items())
    parts = (notice.title, notice.text, facts, link or "", "Sent by Cursor Monitor.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def _slack(text: str) -> str:
    return text.translate(_MARK)
