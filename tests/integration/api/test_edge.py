"""What every request passes: hosts, origins, sizes, headers, and errors that nobody foresaw."""

from __future__ import annotations

import logging

import pytest
from starlette.types import Message, Receive, Scope, Send

from cursor_monitor.api import docs
from cursor_monitor.api import orchestrations as routes
from cursor_monitor.api.guards import MAX_BODY_BYTES
from cursor_monitor.api.headers import SecurityHeaders
from cursor_monitor.settings import VERSION

from .asgi import Exchange
from .client import Client
from .conftest import API, LAUNCH, client_of, edge_app, rows_in

PATH = f"{API}/orchestrations"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "LOCALHOST"])
def test_our_own_names_are_answered(client: Client, host: str) -> None:
    assert client.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "localhost.evil.example", "10.0.0.1", "[", "@"])
@pytest.mark.parametrize("path", ["/livez", PATH, "/"])
def test_a_rebound_name_reaches_nothing(client: Client, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_host")


async def test_a_rebound_name_opens_no_websocket() -> None:
    async with Exchange(edge_app(), "GET", "/_event", {"host": "evil.example"}, kind="websocket") as exchange:
        exchange.send({"type": "websocket.connect"})
        assert (await exchange.receive())["type"] == "websocket.close"


def test_the_public_name_reaches_the_webhook_alone(database: str) -> None:
    client = client_of(public_url="https://Hooks.example:8443/")
    public, foreign = {"Host": "hooks.example"}, {"Host": "evil.example", "X-Forwarded-Host": "hooks.example"}
    assert client.post(f"{API}/webhook", content=b"{}", headers=public).json()["error"]["code"] == "no_secret"
    for path, headers in ((f"{API}/webhook", foreign), (PATH, public), ("/", public), ("/livez", public)):
        answer = client.post(path, content=b"{}", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_host")


def test_an_open_address_is_answered_under_any_name(database: str) -> None:
    client = client_of(host="0.0.0.0")
    assert client.get("/livez", headers={"Host": "monitor.example"}).status_code == 200


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_pages_of_other_sites_change_nothing(client: Client, database: str, headers: dict[str, str]) -> None:
    answer = client.post(PATH, json=LAUNCH, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
    assert set(rows_in(database).values()) == {0}
    assert client.get(PATH, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
)
def test_our_own_page_and_programs_may(client: Client, headers: dict[str, str]) -> None:
    assert client.post(PATH, json=LAUNCH, headers=headers).status_code == 202


@pytest.mark.parametrize("claimed", [None, "10"])
async def test_bytes_are_counted_whatever_the_header_claims(database: str, claimed: str | None) -> None:
    headers = JSON | ({"Content-Length": claimed} if claimed else {})
    async with Exchange(edge_app(), "POST", PATH, headers) as exchange:
        for _ in range(11):
            exchange.send_body(b"x" * (MAX_BODY_BYTES // 10), more=True)
        exchange.send_body()
        assert (await exchange.receive())["status"] == 413
    assert set(rows_in(database).values()) == {0}


async def test_a_body_without_end_is_cut_off(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cursor_monitor.api.guards.MAX_DROPPED_BYTES", 3 * MAX_BODY_BYTES)
    async with Exchange(edge_app(), "POST", PATH, JSON) as exchange:
        for _ in range(4):
            exchange.send_body(b"x" * MAX_BODY_BYTES, more=True)
        assert (await exchange.receive())["status"] == 413


async def test_a_client_that_leaves_while_sending_writes_nothing(database: str) -> None:
    async with Exchange(edge_app(), "POST", PATH, JSON) as exchange:
        exchange.send_body(b'{"prompt": "a", "repository": "a/b"}', more=True)
        exchange.send({"type": "http.disconnect"})
        await exchange.ended()
    assert set(rows_in(database).values()) == {0}


async def test_a_body_in_pieces_is_one_body(database: str) -> None:
    async with Exchange(edge_app(), "POST", PATH, JSON) as exchange:
        exchange.send_body(b'{"prompt": "a", ', more=True)
        exchange.send_body(b'"repository": "a/b"}')
        assert (await exchange.receive())["status"] == 202


@pytest.mark.parametrize("path", ["/livez", "/api/docs", PATH, "/api/nothing", "/nothing"])
def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert policy["default-src"] == policy["connect-src"] == "'self'"
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]
    assert headers["permissions-policy"]


async def test_the_websocket_is_left_alone() -> None:
    seen: list[Send] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(send)

    async def send(message: Message) -> None: ...

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await SecurityHeaders(app)({"type": "websocket", "path": "/_event"}, receive, send)
    assert seen == [send]


def test_what_nobody_foresaw_is_logged_under_a_reference_and_tells_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError("password=hunter2")

    monkeypatch.setattr(routes.queries, "list_orchestrations", fail)
    with caplog.at_level(logging.ERROR):
        answer = client.get(PATH)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "internal_error")
    assert "hunter2" not in answer.text
    assert "ZeroDivision" not in answer.text
    record = next(r for r in caplog.records if r.message == "request failed")
    assert getattr(record, "reference", None) == error["details"]["reference"]
    assert record.exc_info is not None


def test_the_docs_page_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/api/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text.replace("https URL", "")
    assert "/api/cloud-agents/orchestrations/{orchestration_id}/events/stream" in answer.text


def test_the_docs_page_shows_text_as_text() -> None:
    document = {
        "info": {"title": "<b>", "version": VERSION},
        "servers": [{"url": ""}],
        "paths": {"/<x>": {"get": {"description": "<i>", "responses": {"200": {"description": "<u>"}}}}},
        "components": {"schemas": {"<S>": {"description": "<p onclick>", "type": "<t>"}}},
    }
    page = docs.render_page(document)
    assert not any(tag in page for tag in ("<b>", "<x>", "<i>", "<u>", "<S>", "<p onclick>", "<t>"))
