"""The app as its own process, where everybody has to sign in: by hand, under a flood, with hostile clients."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, expect

from cursor_monitor.domain.access import Role
from cursor_monitor.runtime import pages, product
from cursor_monitor.runtime.preflight import allow_connections
from cursor_monitor.services.auth import ACCOUNT_TRIES
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import SECRET_VARIABLES, Settings, load_settings
from scripts.secret_scan import scan_files
from tests.e2e.test_pages import cut_off, settle, violations
from tests.fakes.gotrue import ANON_KEY, FakeGoTrue, serving_gotrue
from tests.support.people import PASSWORD, Person, add_person
from tests.support.processes import Process, free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ATTEMPTS = int(os.environ.get("FLOOD", "120"))
PATIENCE_SECONDS = 5.0  # of a signed-in person, on a machine that also runs the attack and other tests
MB = 1_000_000
EMAIL = "ada@example.com"


@dataclass(frozen=True)
class Closed:
    """The app, and who may come in."""

    url: str
    port: int
    process: Process
    project: FakeGoTrue
    people: dict[Role, Person]

    def memory(self) -> int:
        """The bytes that its processes hold."""
        top = psutil.Process(self.process.child.pid)
        return sum(process.memory_info().rss for process in (top, *top.children(recursive=True)))

    def client(self, **headers: str) -> httpx.Client:
        """A client of its own connections."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, trust_env=False)


@pytest.fixture(scope="module")
def closed(make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    with ThreadPoolExecutor(1) as another:  # the browser has a loop in this thread
        another.submit(lambda: asyncio.run(pages.build(product.ROOT, folder / "build"))).result()
    url, port = make_database(), free_port()
    open_all(Settings(database_url=url))
    people = {role: add_person(url, role) for role in (Role.VIEWER, Role.OPERATOR)}
    close_all()
    with serving_gotrue() as project:
        environ = {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "AUTH_REQUIRED": "1",
            "TRUSTED_PROXY_HOPS": "1",
            "DATABASE_URL": url,
            "DATA_DIR": str(folder / "data"),
            "SUPABASE_URL": project.url,
            "SUPABASE_ANON_KEY": ANON_KEY,
            "SUPABASE_OPERATORS": "@example.com",
        }
        settings = load_settings(environ)
        command = product.app_command(settings)[3:]
        process = Process("granian", product.app_environment(environ, settings.data_dir), folder / "log", command)
        try:
            made = Closed(f"http://127.0.0.1:{port}", port, process, project, people)
            with made.client() as http:
                eventually(lambda: process.is_alive and answers(http), 90, 0.1)
            yield made
        finally:
            process.terminate()


def answers(http: httpx.Client) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return http.get("/readyz").status_code == 200
    return False


def test_a_person_comes_in_by_a_link_of_supabase_and_goes_again(closed: Closed, browser: Browser) -> None:
    context = browser.new_context(base_url=closed.url, viewport={"width": 390, "height": 844}, locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(f"{request.url} {request.headers} {request.post_data or ''}"))
    page.goto("/queue")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("textbox", name="E-mail").first.fill(EMAIL)
    page.get_by_role("button", name="E-mail me a link").click()
    expect(page.get_by_role("status")).to_contain_text("a link is on its way")
    assert violations(page) == []
    assert cut_off(page) == []
    eventually(lambda: closed.project.links)
    page.goto(closed.project.click(closed.project.links[-1]))
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    settle(page)
    assert page.url.rstrip("/") == f"{closed.url}/queue"
    cookies = {cookie.get("name", ""): cookie for cookie in context.cookies()}
    assert cookies["cursor_monitor_session"].get("httpOnly") is True
    assert "cursor_monitor_link" not in cookies
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])")
    [token] = closed.project.given
    assert token not in kept + "".join(seen) + page.content()
    assert "cursor_monitor_session" not in kept
    assert violations(page) == []
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/queue")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    context.close()


def test_what_every_browser_is_given_holds_no_credential(closed: Closed) -> None:
    given = (product.ROOT / pages.INDEX).parent
    paths = [path for path in given.rglob("*") if path.is_file()]
    assert len(paths) > 20
    assert [str(finding) for finding in scan_files(paths, given)] == []
    words = [name.encode() for name in SECRET_VARIABLES] + [ANON_KEY.encode(), b"postgresql://", closed.url.encode()]
    texts = {path: path.read_bytes() for path in paths}
    assert [(path.name, word) for path, text in texts.items() for word in words if word in text] == []


def test_a_flood_of_tries_lets_nobody_in_and_the_others_are_served(closed: Closed) -> None:
    """From ever new addresses, so that nothing but the limit of the account stops them."""
    victim, other = closed.people[Role.VIEWER], closed.people[Role.OPERATOR]

    def attack(first: int) -> list[int]:
        with closed.client() as http:
            return [attempt(http, number) for number in range(first, ATTEMPTS, 8)]

    def attempt(http: httpx.Client, number: int) -> int:
        # The right password is among them, too late.
        form = {"email": victim.email, "password": PASSWORD if number > ATTEMPTS / 2 else f"wrong {number}"}
        headers = {"X-Forwarded-For": f"198.18.{number // 250}.{number % 250}"}
        return http.post("/api/session", data=form, headers=headers).status_code

    waits: list[float] = []
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool, closed.client(**other.cookie) as http:
        attacks = [pool.submit(attack, first) for first in range(8)]
        while not all(task.done() for task in attacks):
            asked = time.monotonic()
            assert http.get("/api/cloud-agents/orchestrations").status_code == 200
            waits.append(time.monotonic() - asked)
        statuses = [status for task in attacks for status in task.result()]
    print(f"{ATTEMPTS / (time.monotonic() - began) * 60:.0f} tries a minute; others waited {max(waits):.3f} s at most")  # noqa: T201
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= ACCOUNT_TRIES
    assert max(waits) < PATIENCE_SECONDS


def test_large_bodies_and_slow_clients_fill_no_memory_and_keep_nobody_waiting(closed: Closed) -> None:
    before = closed.memory()
    signed_in = closed.people[Role.OPERATOR].cookie | {"Content-Type": "application/json"}
    allow_connections(3000)
    slow = [slow_client(closed.port, is_head=number % 11 > 0) for number in range(1210)]
    try:
        with ThreadPoolExecutor(4) as pool, closed.client() as http:
            large = [
                *(pool.submit(send_large, closed, "/api/session", {}) for _ in range(8)),
                *(pool.submit(send_large, closed, "/api/cloud-agents/orchestrations", {}) for _ in range(8)),
                *(pool.submit(send_large, closed, "/api/cloud-agents/orchestrations", signed_in) for _ in range(8)),
            ]
            asked = time.monotonic()
            assert http.get("/livez").status_code == 200
            assert time.monotonic() - asked < PATIENCE_SECONDS
            assert {task.result() for task in large} <= {401, 413}
        assert closed.memory() - before < 100 * MB
    finally:
        for client in slow:
            client.close()


def slow_client(port: int, *, is_head: bool) -> socket.socket:
    """A client that does not end its head, or its body."""
    made = socket.create_connection(("127.0.0.1", port), timeout=5)
    made.sendall(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\n")
    if is_head:
        made.sendall(b"X-Slow: ")
    else:
        made.sendall(b"Content-Length: 1000000\r\n\r\n" + b"x" * 300_000)
    return made


def send_large(closed: Closed, path: str, headers: dict[str, str]) -> int:
    """10 MB in pieces, whose length was not told before; what the server says to it."""
    pieces = (b"x" * 100_000 for _ in range(100))
    with closed.client(**headers) as http:
        try:
            return http.post(path, content=pieces).status_code
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            return 413  # cut off while it was still sending
