"""The whole product as a person starts it, and a real browser that takes no error for granted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.stack import Stack, running
from tests.support.postgres import ask_one
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "test-results" / "screenshots"
TIME_SCALE = "0.2"  # a run lasts 0.8 to 2.4 s: long enough to be seen at work
FAST = {
    "SIM_TIME_SCALE": TIME_SCALE,
    "SIM_SEED": "7",
    "OBSERVE_MIN_SECONDS": "0.2",
    "HEARTBEAT_SECONDS": "1",
    "CURSOR_RATE_PER_MINUTE": "1500",  # as quick as the simulator's time
}
Json = dict[str, Any]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Database, simulator, worker and app of this test run, on ports of their own."""
    with running(tmp_path_factory.mktemp("product") / "data", **FAST) as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a screen."""
    path = os.environ.get("CHROMIUM_PATH") or None
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


class Api:
    """The product's API and the simulator's ledger, for what a test sets up and proves."""

    def __init__(self, stack: Stack) -> None:
        self._http = httpx.Client(base_url=f"{stack.url}/api/cloud-agents", timeout=10, trust_env=False)
        self._database_url = stack.database_url
        self._simulator = httpx.Client(base_url=stack.simulator_url, timeout=10, trust_env=False)

    def launch(self, **fields: Any) -> str:
        """Request an orchestration; returns its id."""
        body = {"prompt": "Add a changelog.", "repository": "acme/web", **fields}
        answer = self._http.post("/orchestrations", json=body)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def launch_agent(self, *tags: str, **fields: Any) -> str:
        """Request an agent by itself; returns its id."""
        answer = self._http.post("/agents", json={"prompt": "Add a changelog.", "repository": "acme/web", **fields})
        assert answer.status_code == 202, answer.text
        agent_id = answer.json()["id"]
        for tag in tags:
            self._http.post(f"/agents/{agent_id}/tags", json={"tag": tag}).raise_for_status()
        return agent_id

    def cancel(self, orchestration_id: str) -> None:
        """End an orchestration."""
        self._http.post(f"/orchestrations/{orchestration_id}/cancel").raise_for_status()

    def get(self, path: str) -> Json:
        """What the API says."""
        return self._http.get(path).raise_for_status().json()

    def wait_for(self, orchestration_id: str, *statuses: str) -> Json:
        """The orchestration, once it has one of these statuses."""

        def reached() -> Json | None:
            found = self.get(f"/orchestrations/{orchestration_id}")
            return found if found["status"] in statuses else None

        found = eventually(reached, 60, 0.1)
        assert found is not None
        return found

    def agents_named_in(self, orchestration_id: str) -> set[str]:
        """The agents that the orchestration's own events say were launched."""
        events = self.get(f"/orchestrations/{orchestration_id}/events?limit=200")["items"]
        return {event["payload"]["agent_id"] for event in events if event["type"] == "AttemptLaunched"}

    def ledger(self, marker: str) -> list[Json]:
        """The agents that Cursor was ever asked for with this text in their first prompt."""
        agents = self._simulator.get("/_sim/ledger?full=true").raise_for_status().json()["agents"]
        return [agent for agent in agents if marker in agent["runs"][0]["prompt"]]

    def profile(self, pattern: str, **rules: Any) -> None:
        """Add the rules for some repositories."""
        answer = self._http.post("/profiles", json={"pattern": pattern, **rules})
        assert answer.status_code == 201, answer.text

    def template(self, name: str, prompt: str, **fields: Any) -> None:
        """Keep a prompt."""
        answer = self._http.post("/templates", json={"name": name, "prompt": prompt, **fields})
        assert answer.status_code == 201, answer.text

    def schedule(self, name: str, prompt: str) -> None:
        """Launch by the clock, but hardly ever, and once now."""
        request = {"prompt": prompt, "repository": "acme/web", "mode": "SINGLE_AGENT"}
        answer = self._http.post("/schedules", json={"name": name, "cron": "0 0 29 2 *", "request": request})
        assert answer.status_code == 201, answer.text
        self._http.post(f"/schedules/{answer.json()['id']}/run-now").raise_for_status()

    def channel(self, name: str) -> None:
        """Add a way out that leads nowhere, and try it."""
        body = {"name": name, "kind": "webhook", "target": "https://nowhere.invalid/hook", "repository": "acme/none"}
        answer = self._http.post("/notifications", json=body)
        assert answer.status_code == 201, answer.text
        self._http.post(f"/notifications/{answer.json()['id']}/test").raise_for_status()

    def trouble(self, key: str, trouble: str | None) -> None:
        """Bring a key into trouble at Cursor, or out of it."""
        self._simulator.put("/_sim/keys", json={"key": key, "trouble": trouble}).raise_for_status()

    def dead_letter(self) -> int:
        """A job that was given up, as a worker leaves one; its number."""
        errors = '[{"attempt": 10, "at": "2026-01-01T00:00:00Z", "worker": "w", "error": "the cable was cut"}]'
        query: LiteralString = (
            "INSERT INTO orchestration_outbox_jobs (kind, status, attempts, errors, finished_at)"
            " VALUES ('advance', 'failed', 10, %s, now()) RETURNING id"
        )
        return ask_one(self._database_url, query, (errors,))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._simulator.close()


@pytest.fixture
def api(stack: Stack) -> Iterator[Api]:
    """The API of the running product."""
    made = Api(stack)
    yield made
    made.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Opens pages of the product; errors in the console, of scripts and of the server fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_one(path: str, *, dark: bool = False, width: int = 1440) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            base_url=stack.url, color_scheme=scheme, viewport={"width": width, "height": 900}, locale="en-GB"
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(f"{m.type}: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on("response", lambda r: problems.append(f"{r.status} {r.url}") if r.status >= 500 else None)
        page.goto(path)
        return page

    yield open_one
    SHOTS.mkdir(parents=True, exist_ok=True)
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=SHOTS / f"{request.node.name}-{number}.png".replace("/", "_"))
        context.close()
    assert problems == []
