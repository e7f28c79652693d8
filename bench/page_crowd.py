"""Fifty open pages while a hundred events a second are committed: how old is what they show."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import psutil
from playwright.sync_api import Browser, Page

from bench import stack
from bench.idle import MEGABYTE, processor_seconds, resident_bytes
from cursor_monitor import routes
from cursor_monitor.domain import events as e
from cursor_monitor.engine.fold import evolve
from cursor_monitor.runtime.children import dies_with_parent
from cursor_monitor.services.advance import write
from cursor_monitor.store import orchestrations
from cursor_monitor.store.database import transaction
from cursor_monitor.store.events import database_now

BROWSERS, CLIENTS = 3, 47
COMMITS, EVENTS_EACH = 20, 5  # a second
WARM_UP_SECONDS, SECONDS, CATCH_UP_SECONDS = 8.0, 30.0, 3.0
# Notes in the page when the number of a commit first stands in a frame that was drawn.
WATCH = """
window.benchSeen = [];
(() => {
  let newest = 0;
  const look = () => {
    const first = document.querySelector('.timeline li:first-child, .feed li:first-child');
    const found = Number(/bench-(\\d+)/.exec(first?.innerText)?.[1] ?? 0);
    if (found <= newest) return;
    newest = found;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.benchSeen.push([found, Date.now()]);
      channel.port2.postMessage(null);
    });
  };
  new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
})();
"""
HELLO = "40/_event,"

Seen = list[tuple[int, float]]


@dataclass
class Writer:
    """Commits events on these orchestrations by turns, each with a number of its own in its message."""

    ids: Sequence[str]
    commits: list[tuple[int, str, float]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is stopped, at an even pace."""
        began, first = time.monotonic(), int(time.time())  # beyond the numbers of any run before
        for number in count(first):
            if self.stopping.wait(max(0.0, began + (number - first) / COMMITS - time.monotonic())):
                return
            self._commit(number, self.ids[number % len(self.ids)])

    def _commit(self, number: int, orchestration_id: str) -> None:
        with transaction() as session:
            before = orchestrations.lock_snapshot(session, UUID(orchestration_id))
            assert before is not None
            now = database_now(session)
            facts = [
                e.BudgetChanged(at=now, by=f"bench-{number}", limits={"budget_cents": 1000 + number % 1000 + n})
                for n in range(EVENTS_EACH)
            ]
            after = before
            for fact in facts:
                after = evolve(after, fact)
            write(session, before, after, facts)
            at = time.time()
        self.commits.append((number, orchestration_id, at * 1000))


@dataclass(frozen=True)
class Crowd:
    """What the open pages and the app's process came to."""

    browser_delays: list[float]
    client_delays: list[float]
    behind: int
    events_a_second: float
    cpu: float
    megabytes: float
    received: int


def measure(product: stack.Stack, browser: Browser, ids: Sequence[str], agent: str) -> Crowd:
    """Open the pages, write, and hold what each saw against what was committed."""
    timelines = [f"{routes.orchestration(one)}?tab=timeline" for one in ids]
    paths = [routes.OVERVIEW, routes.ORCHESTRATIONS, *timelines, routes.agent(agent)]
    watched = [paths[number % len(paths)] for number in range(CLIENTS)]
    hellos = {path: _hello(browser, product.url + path) for path in dict.fromkeys(watched)}
    writer = Writer(ids)
    with _clients(product.url, [(path, hellos[path]) for path in watched]) as clients:
        pages = [_opened(browser, product.url + path) for path in (routes.OVERVIEW, *timelines[: BROWSERS - 1])]
        thread = threading.Thread(target=writer.run, daemon=True)
        thread.start()
        time.sleep(WARM_UP_SECONDS)
        cpu, megabytes, since, until = _watched(product.part("granian"))
        writer.stopping.set()
        thread.join()
        time.sleep(CATCH_UP_SECONDS)
        seen = [[(n, at) for n, at in page.evaluate("() => window.benchSeen")] for page in pages]
        told, received = clients()
    counted = [commit for commit in writer.commits if since <= commit[2] <= until]
    shown = [(path, what) for path, what in zip([routes.OVERVIEW, *timelines], seen, strict=False)]
    heard = [(path, what) for path, what in zip(watched, told, strict=True) if path in (routes.OVERVIEW, *timelines)]
    return Crowd(
        browser_delays=[delay for path, what in shown for delay in _delays(path, what, counted)],
        client_delays=[delay for path, what in heard for delay in _delays(path, what, counted)],
        behind=sum(not _is_up_to_date(path, what, writer.commits) for path, what in [*shown, *heard]),
        events_a_second=len(counted) * EVENTS_EACH / (until - since) * 1000,
        cpu=cpu,
        megabytes=megabytes,
        received=received,
    )


def _watched(app: psutil.Process) -> tuple[float, float, float, float]:
    """Cores used and the most megabytes held by the app, and from when to when that was looked at."""
    used, since, most = processor_seconds(app), time.time(), 0.0
    while time.time() - since < SECONDS:
        most = max(most, resident_bytes(app) / MEGABYTE)
        time.sleep(0.5)
    seconds = time.time() - since
    return (processor_seconds(app) - used) / seconds, most, since * 1000, (since + seconds) * 1000


def _relevant(path: str, commits: Sequence[tuple[int, str, float]]) -> Iterator[tuple[int, float]]:
    for number, orchestration_id, at in commits:
        if path == routes.OVERVIEW or orchestration_id in path:
            yield number, at


def _delays(path: str, seen: Seen, commits: Sequence[tuple[int, str, float]]) -> list[float]:
    """Milliseconds from each commit to the first frame with it or a newer one; endless for what never came."""
    ordered = sorted(seen)
    return [
        next((at for number, at in ordered if number >= wanted), float("inf")) - committed
        for wanted, committed in _relevant(path, commits)
    ]


def _is_up_to_date(path: str, seen: Seen, commits: Sequence[tuple[int, str, float]]) -> bool:
    wanted = max((number for number, _ in _relevant(path, commits)), default=0)
    return max((number for number, _ in seen), default=0) >= wanted


def _opened(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(WATCH)
    page.goto(url)
    page.locator(".timeline li, .feed li").first.wait_for()
    return page


def _hello(browser: Browser, url: str) -> str:
    """What a browser says when it opens that page."""
    page = browser.new_page()
    said: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: said.append(str(frame))))
    page.goto(url)
    page.wait_for_timeout(1500)
    page.close()
    return next(frame for frame in said if frame.startswith(HELLO))


@contextmanager
def _clients(url: str, pages: Sequence[tuple[str, str]]) -> Iterator[Any]:
    """Sockets in a process of their own; called, it tells what each heard and when, and all their bytes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.page_clients", url],
        cwd=stack.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=dies_with_parent(),
    )
    assert process.stdin
    assert process.stdout
    answers = process.stdout
    process.stdin.write(json.dumps(pages) + "\n")
    process.stdin.flush()
    if answers.readline().strip() != "open":
        raise RuntimeError("the clients could not connect")

    def finish() -> tuple[list[Seen], int]:
        told, _ = process.communicate("stop\n", timeout=30)
        found: Mapping[str, Any] = json.loads(told)
        return [[(int(n), float(at)) for n, at in one] for one in found["seen"]], int(found["bytes"])

    try:
        yield finish
    finally:
        process.kill()
        process.wait()
