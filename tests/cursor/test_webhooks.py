"""Which webhook deliveries are believed."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cursor_monitor.cursor.webhooks import WebhookRefusedError, receive, sign
from tests.cursor.harness import AGENT_ID, NOW

SECRET = "a-secret-of-at-least-thirty-two-characters"


def payload(**changes: Any) -> bytes:
    said = {
        "event": "statusChange",
        "timestamp": "2026-10-20T11:59:30.000Z",
        "id": AGENT_ID,
        "status": "FINISHED",
        "source": {"repository": "https://github.com/acme/shop", "ref": "main"},
        "target": {
            "url": "https://cursor.com/agents?id=x",
            "branchName": "cursor/x",
            "prUrl": "https://github.com/acme/shop/pull/3",
        },
        "summary": "Added a README",
        **changes,
    }
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-webhook-signature": f"sha256={mac}", "X-WEBHOOK-ID": "d-1", "User-Agent": "x"}


def refused(body: bytes, said: dict[str, str], secret: str | None = SECRET) -> str:
    with pytest.raises(WebhookRefusedError) as caught:
        receive(body, said, secret=secret, now=NOW)
    assert SECRET not in str(caught.value)
    return caught.value.reason


def test_a_genuine_delivery_is_read() -> None:
    body = payload()
    delivery = receive(body, headers(body), secret=SECRET, now=NOW)
    assert (delivery.event, delivery.agent_id, delivery.status) == ("statusChange", AGENT_ID, "FINISHED")
    assert (delivery.repository, delivery.ref) == ("https://github.com/acme/shop", "main")
    assert (delivery.branch, delivery.pr_url) == ("cursor/x", "https://github.com/acme/shop/pull/3")
    assert delivery.sent_at == NOW - timedelta(seconds=30)
    assert delivery.delivery_id == "d-1"
    assert delivery.dedupe_key == hashlib.sha256(body).hexdigest()


def test_optional_fields_may_be_absent() -> None:
    body = payload(source=None, target=None, summary=None, status="A_NEW_WORD")
    said = headers(body)
    del said["X-WEBHOOK-ID"]
    delivery = receive(body, said, secret=SECRET, now=NOW)
    assert (delivery.status, delivery.repository, delivery.delivery_id) == ("A_NEW_WORD", None, None)


def test_a_retry_with_another_delivery_id_has_the_same_dedupe_key() -> None:
    body = payload()
    first, second = (receive(body, {**headers(body), "X-WEBHOOK-ID": name}, secret=SECRET, now=NOW) for name in "ab")
    assert first.dedupe_key == second.dedupe_key
    assert first.delivery_id != second.delivery_id


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_is_believed(secret: str | None) -> None:
    body = payload()
    assert refused(body, headers(body, ""), secret) == "no_secret"
    assert refused(body, {}, secret) == "no_secret"


def test_a_wrong_signature_is_refused() -> None:
    body = payload()
    good = headers(body)["x-webhook-signature"]
    for signature in ("", "sha256=", good[:-1], good.removeprefix("sha256="), "sha1=" + good[7:], "sha256=ü"):
        assert refused(body, {"X-Webhook-Signature": signature}) == "bad_signature"
    assert refused(body, {}) == "bad_signature"
    assert refused(body, headers(body, "another secret")) == "bad_signature"
    assert refused(body + b" ", headers(body)) == "bad_signature"


@given(st.binary(max_size=200), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_breaks_the_seal(body: bytes, place: int, change: int) -> None:
    forged = bytearray(body or b"x")
    said = headers(bytes(forged))
    forged[place % len(forged)] ^= change
    assert refused(bytes(forged), said) == "bad_signature"


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        ("2026-10-20T11:44:59.000Z", "stale"),
        ("2026-10-20T12:02:01.000Z", "stale"),
        ("2025-10-20T12:00:00.000Z", "stale"),
        ("now", "malformed"),
        (None, "malformed"),
    ],
)
def test_a_replayed_delivery_is_refused(timestamp: str | None, reason: str) -> None:
    body = payload(timestamp=timestamp)
    assert refused(body, headers(body)) == reason


@pytest.mark.parametrize("timestamp", ["2026-10-20T11:45:00.000Z", "2026-10-20T12:02:00.000Z"])
def test_a_delivery_on_the_edge_is_fresh(timestamp: str) -> None:
    body = payload(timestamp=timestamp)
    assert receive(body, headers(body), secret=SECRET, now=NOW).agent_id == AGENT_ID


@pytest.mark.parametrize("body", [b"", b"[]", b"{", payload(id=None), payload(status=7), payload(event="")])
def test_a_signed_delivery_must_still_make_sense(body: bytes) -> None:
    assert refused(body, headers(body)) == "malformed"


def test_signing_and_checking_agree() -> None:
    body = payload()
    assert sign(body, SECRET) == headers(body)["x-webhook-signature"]
