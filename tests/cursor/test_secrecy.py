"""The key goes to Cursor and nowhere else."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Awaitable, Callable

import httpx
import pytest

from cursor_monitor.cursor.client import HttpCursorApi, build_client
from cursor_monitor.cursor.errors import CursorError, Permanent
from cursor_monitor.cursor.wire import KeyAuth
from tests.cursor.harness import AGENT_ID, BASE_URL, KEY, RUN_ID, FakeWire, refusal

SECRETS = (KEY, base64.b64encode(f"{KEY}:".encode()).decode(), KEY[5:20])

FAILURES = [
    httpx.ConnectError(f"cannot send {KEY}"),
    httpx.ReadError(f"after Authorization: Basic {SECRETS[1]}"),
    refusal(401, "unauthorized", f"Invalid API key {KEY}"),
    refusal(500, "internal_error", f"header Basic {SECRETS[1]}"),
    httpx.Response(502, text=f"echo {KEY}"),
    httpx.Response(200, text=KEY),
    httpx.Response(302, headers={"Location": f"https://evil.test/?key={KEY}"}),
]


async def stream(client: HttpCursorApi) -> None:
    async for _ in client.stream_run(AGENT_ID, RUN_ID):
        pass


def shown(error: BaseException) -> str:
    """All that a log, a dead letter or a crash report could show of an error, local variables included."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    state = [repr(error), str(error), repr(error.args), repr(vars(error))]
    return "".join([*traceback.format_exception(error), *told.format(), *state])


@pytest.mark.parametrize("answer", FAILURES)
@pytest.mark.parametrize("call", [lambda c: c.get_agent(AGENT_ID), lambda c: c.create_run(AGENT_ID, "x"), stream])
async def test_no_failure_shows_the_key(
    wire: FakeWire,
    caplog: pytest.LogCaptureFixture,
    call: Callable[[HttpCursorApi], Awaitable[object]],
    answer: httpx.Response | Exception,
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.answers(answer)
    with pytest.raises(CursorError) as caught:
        await call(wire.client)
    # The captured locals hold this test's own answer; only what the product's frames show counts.
    text = (
        shown(caught.value) if isinstance(answer, httpx.Response) else "".join(traceback.format_exception(caught.value))
    )
    assert all(secret not in text + caplog.text for secret in SECRETS)


def test_no_representation_shows_the_key() -> None:
    client = build_client(BASE_URL, KEY)
    shapes = [client, client._wire, client._wire._auth, client._wire._http, client._wire._http.headers]
    text = "".join(repr(shape) + str(shape) for shape in shapes)
    assert "api.cursor.test" in repr(client)
    assert all(secret not in text for secret in SECRETS)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (f"{BASE_URL}/v1/me", True),
        ("https://API.cursor.test:443/v1/me", True),
        ("http://api.cursor.test/v1/me", False),
        ("https://api.cursor.test:8443/v1/me", False),
        ("https://api.cursor.test.evil.test/v1/me", False),
        ("https://bucket.s3.amazonaws.com/x", False),
    ],
)
def test_the_key_goes_to_its_own_origin_only(url: str, sent: bool) -> None:
    auth = KeyAuth(KEY, httpx.URL(BASE_URL))
    request = next(auth.auth_flow(httpx.Request("GET", url)))
    assert ("Authorization" in request.headers) is sent


async def test_the_key_does_not_follow_a_redirect(wire: FakeWire) -> None:
    wire.answers(httpx.Response(307, headers={"Location": "https://bucket.s3.amazonaws.com/x"}))
    with pytest.raises(Permanent):
        await wire.client.get_me()
    assert [request.url.host for request in wire.requests] == ["api.cursor.test"]


@pytest.mark.parametrize("key", ["", "  ", "crsr_a\nb", "crsr_a b", "crsr_ü", "crsr_\x00"])
def test_an_unusable_key_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        build_client(BASE_URL, key)
    assert "crsr_" not in str(caught.value)


def test_a_key_may_have_a_line_end_from_its_file() -> None:
    assert repr(build_client(BASE_URL, f"{KEY}\n")) == "<HttpCursorApi <Wire api.cursor.test>>"
