"""One place that takes secrets out of texts, and the logs that go through it."""

from __future__ import annotations

import base64
import logging

import pytest

from cursor_monitor.logs import KeyValueFormatter
from cursor_monitor.secrets import redaction
from cursor_monitor.secrets.redaction import redact, redact_bytes, register

KEY = "crsr_77aa88bb99cc00dd"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {})
    register(KEY, None, "", "short")


def test_a_registered_secret_is_replaced_everywhere() -> None:
    header = base64.b64encode(f"{KEY}:".encode()).decode()
    assert redact(f"a {KEY} b {header}") == "a [secret] b [secret]"
    assert redact_bytes(b'{"x": "' + KEY.encode() + b'"}') == b'{"x": "[secret]"}'
    assert redact("a short word") == "a short word"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Authorization: Bearer abc.def", "abc.def"),
        ("{'authorization': 'Basic a2V5Og=='}", "a2V5Og"),
        ("sent Bearer 0123456789abcdef0123", "0123456789abcdef"),
        ("postgresql://me:hunter2@db.example.com/x", "hunter2"),
        ("git push with " + "ghp_" + "a1B2" * 9, "a1B2a1B2"),
        ("a key of Cursor, " + "crsr_" + "0f9e" * 16, "0f9e0f9e"),
        ("our own " + "cm_" + "Zy9-" * 10 + "abc", "Zy9-Zy9-"),
        ("a model's " + "sk-" + "proj-" + "Q7w3" * 10, "Q7w3Q7w3"),
        ("signed eyJhbGciOiJFUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "c2ln" * 10, "c2lnc2ln"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcC\nAQEE\n-----END EC PRIVATE KEY-----", "AQEE"),
        ("cut short: -----BEGIN PRIVATE KEY-----\nMHcC", "MHcC"),
    ],
)
def test_the_shapes_of_credentials_are_replaced(text: str, without: str) -> None:
    assert without in text
    assert without not in redact(text)
    assert "[secret]" in redact(text)


@pytest.mark.parametrize(
    "text",
    ["https://github.com/acme/web", "sk-learn and cm_ x ghp_short", "see http://a:3000/b@c", "the bearer of news"],
)
def test_innocent_text_stays(text: str) -> None:
    assert redact(text) == text


def test_a_log_line_has_no_secret_in_message_extras_or_trace() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, f"said {KEY}", (), None)
    record.url = f"https://u:{KEY}@host"
    try:
        raise ValueError(KEY)
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = KeyValueFormatter("%(message)s").format(record)
    assert KEY not in line
    assert "ValueError: [secret]" in line
