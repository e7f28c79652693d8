"""Several workers and two apps behind one port, with Redis for what tabs show: one of the apps dies under a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from bench.stack import Stack
from cursor_monitor.runtime import product
from cursor_monitor.settings import load_settings
from tests.support.processes import Process, free_port
from tests.support.proxy import Proxy, to_port
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

from .conftest import FAST, Api

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
WORKERS = 2  # beside the one of the stack


class Crowd:
    """Two apps behind one address, and workers beside that of the stack."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self._environ, self._folder = environ, folder
        self._ports = [free_port(), free_port()]
        self.proxy = Proxy(*map(to_port, self._ports))
        self.url = f"http://127.0.0.1:{self.proxy.port}"
        self.apps = [self._begin_app(number) for number in range(len(self._ports))]
        self.workers = [self._begin(f"worker-{n}", product.worker_command()) for n in range(WORKERS)]

    def wait(self) -> None:
        """Return once all of them work."""
        for port in self._ports:
            eventually(lambda at=port: product.is_up(f"http://127.0.0.1:{at}"), 60, 0.1)
        for worker in self.workers:
            worker.says("worker ready")

    def replace_app(self, number: int) -> None:
        """Start one anew that has died."""
        self.apps[number] = self._begin_app(number)
        self.wait()

    def end(self) -> None:
        """Kill whatever is left."""
        for one in (*self.apps, *self.workers):
            one.kill()
        self.proxy.end()

    def _begin_app(self, number: int) -> Process:
        port = str(self._ports[number])
        return self._begin(f"app-{number}", product.app_command(load_settings({"PORT": port})), PORT=port)

    def _begin(self, name: str, command: list[str], **extra: str) -> Process:
        known = {**self._environ, "PUBLIC_URL": self.url, **extra}
        environ = product.app_environment(known, self._folder / name)
        module, *arguments = command[2:]
        return Process(module, environ, self._folder / f"{name}.log", arguments)


@pytest.fixture
def crowd(stack: Stack, tmp_path: Path) -> Iterator[Crowd]:
    """They work on the database of the stack, with a Redis of their own."""
    server = RedisServer(tmp_path)
    places = {
        "DATABASE_URL": stack.database_url,
        "CURSOR_API_URL": stack.simulator_url,
        "DATA_DIR": str(stack.data_dir),
    }
    made = Crowd({**FAST, **server.environ, **places}, tmp_path)
    try:
        made.wait()
        yield made
    finally:
        made.end()
        server.kill()


def test_a_page_outlives_the_app_it_spoke_to(crowd: Crowd, browser: Browser, api: Api) -> None:
    made = [api.launch_agent(prompt=f"Scaled out {n}.", name=f"Scaled out {n}") for n in range(6)]
    page = browser.new_page(base_url=crowd.url)
    page.set_default_timeout(20_000)
    page.goto("/agents?q=Scaled+out")
    for number in range(3):
        page.get_by_role("checkbox", name=f"Choose Scaled out {number}").click()
    bar = page.get_by_role("toolbar")
    expect(bar).to_contain_text("3 chosen")
    for number in (0, 1):  # whichever it speaks to at first, the second time it is the one that dies
        crowd.apps[number].kill()
        page.get_by_role("checkbox", name=f"Choose Scaled out {3 + number}").click()
        expect(bar).to_contain_text(f"{4 + number} chosen", timeout=30_000)
        crowd.replace_app(number)
    for agent_id in made:
        eventually(lambda one=agent_id: api.get(f"/agents/{one}")["status"] == "finished", 60, 0.1)
    assert sorted(len(agent["runs"]) for agent in api.ledger("Scaled out")) == [1] * len(made)
    assert httpx.get(f"{crowd.url}/api/cloud-agents/agents", trust_env=False).status_code == 200
    page.context.close()
