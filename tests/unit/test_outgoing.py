"""What leaves the house: where it may go, what it says, how it is signed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cursor_monitor.domain.errors import Invalid
from cursor_monitor.domain.notifications import Notice, NoticeKind, fits, one_line
from cursor_monitor.outgoing import mail, messages
from cursor_monitor.outgoing.addresses import check_url, is_public, resolve
from cursor_monitor.outgoing.errors import DeliveryError

PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1"),
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::", "ff02::1", "fec0::1"),
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo around 10.0.0.1
)
NOTICE = Notice(
    kind=NoticeKind.FAILED,
    key="k",
    title="<!channel> & co: error",
    text="see <https://evil.example|this>",
    at=datetime(2026, 1, 2, tzinfo=UTC),
    facts={"orchestration_id": "o"},
)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_behind_our_walls_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "https://", ""),
        *("https://user:pw@example.com/", "https://example.com/#x", "https://example.com/a b", "https://a\\@b.c/"),
        *("https://localhost/", "https://LOCALHOST./", "https://db.internal/", "https://router/", "https://a.local/"),
        *("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest"),
        *(
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://exämple.com/",
            "https://e.com/" + "x" * 2000,
        ),
        *(None, 7, "https://example.com/\r\nX: y"),
    ],
)
def test_an_address_that_must_not_be_is_refused(url: object) -> None:
    with pytest.raises(Invalid) as caught:
        check_url(url, allow_private=False)
    assert caught.value.field == "target"


def test_a_good_address_is_kept_and_private_ones_where_they_are_allowed() -> None:
    assert check_url(" https://hooks.example.com:8443/in/1?a=b ", allow_private=False).endswith("/in/1?a=b")
    assert check_url("http://127.0.0.1:9000/", allow_private=True)


@pytest.mark.parametrize("second", ["10.0.0.1", "::1"])
def test_a_name_with_one_private_address_is_refused_whole(monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    async def answer(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, 443)) for address in ("8.8.8.8", second)]

    async def look() -> list[str]:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer)
        return await resolve("rebind.example.com", 443, allow_private=False)

    with pytest.raises(DeliveryError, match="private network") as caught:
        asyncio.run(look())
    assert caught.value.is_final


def test_the_signature_is_that_of_the_published_example() -> None:
    headers = messages.webhook_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_texts_from_agents_can_mention_nobody_and_hide_no_link() -> None:
    text = json.loads(messages.slack_body(NOTICE, "https://monitor.example.com/orchestrations/o"))["text"]
    assert "&lt;!channel&gt; &amp; co" in text
    assert "&lt;https://evil.example|this&gt;" in text
    assert text.count("<") == 1, "the one link is ours"
    assert json.loads(messages.webhook_body(NOTICE, None))["data"]["title"] == NOTICE.title


def test_one_line_holds_nothing_that_hides_or_reorders() -> None:
    assert one_line("a\r\nBcc: x\u202eabc\u200b \x00 b", 100) == "a Bcc: x abc b"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    "value", ["", "ada", "a@b\r\nBcc: c@d.e", "a b@c.d", "ä@b.c", "<a@b.c>", ",".join(f"a{n}@b.c" for n in range(11))]
)
def test_recipients_that_are_none_are_refused(value: str) -> None:
    with pytest.raises(Invalid):
        mail.check_recipients(value)


def test_a_subject_cannot_add_a_header() -> None:
    server = mail.MailServer("h", 25, "none", "monitor@example.com")
    message = mail.compose(server, ["a@b.c"], "Done\r\nBcc: evil@example.com", "text", "id")
    assert message["Subject"] == "Done Bcc: evil@example.com"
    assert message["Bcc"] is None
    assert message["Message-ID"] == "<id@example.com>"


def test_a_channel_of_some_repositories_hears_of_no_other() -> None:
    assert fits(None, None)
    assert fits("github.com/acme/*", "https://github.com/Acme/web")
    assert not fits("github.com/acme/*", "https://github.com/other/web")
    assert not fits("github.com/acme/*", None)
