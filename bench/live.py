"""How long a commit takes to an open page."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import Engine, event

from bench import stack
from bench.figures import Figure
from cursor_monitor import routes
from cursor_monitor.queries.orchestrations import list_tasks
from cursor_monitor.services import orchestrations
from cursor_monitor.store.database import close_database, open_database

TITLE = "Live pages"
HOW = """\
The whole product runs, and Chromium has the page of one orchestration open whose agent is at work. From outside the
app an orchestration is paused and resumed by turns, at random moments; the clock starts when the commit is handed to
Postgres and stops in the page when the frame with the new status has been drawn (a MutationObserver sees the change,
then one animation frame and one task pass). Both clocks are that of the machine. The peer is a bare event of Reflex on
the same page by turns with it: a click whose handler changes one field and touches no database, to the frame that shows
it. What a live change adds is the difference of the two. The first samples of each are thrown away."""

LIMIT = 300.0
WARM_UP, SAMPLES = 8, 60
PATIENCE_MS = 15_000
# Tells when a text first stands in an element, once the frame that shows it has been drawn.
EYES = """
window.benchWatch = (selector, wanted) => {
  const shown = () => (document.querySelector(selector)?.textContent ?? '') === wanted;
  window.benchSeen = new Promise(done => {
    const observer = new MutationObserver(() => {
      if (!shown()) return;
      observer.disconnect();
      const changed = Date.now();
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done([changed, Date.now()]);
        channel.port2.postMessage(null);
      });
    });
    observer.observe(document.body, {subtree: true, childList: true, characterData: true});
  });
};
window.benchClick = (button, selector, wanted) => {
  window.benchWatch(selector, wanted);
  const began = Date.now();
  button.click();
  return window.benchSeen.then(([changed, drawn]) => [changed - began, drawn - began]);
};
"""
STATUS = ".page-head .badge"
FORM = "label[for=followup]"

Sample = tuple[float, float]


def measure() -> list[Figure]:
    """Milliseconds from a commit to the page, beside a bare round trip of Reflex."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder, stack.running(Path(folder)) as product:
        open_database(product.database_url)
        try:
            orchestration = _launched()
            with _page(product.url + routes.orchestration(orchestration)) as page:
                live, bare = _samples(page, orchestration)
        finally:
            close_database()
    return [_figure(live, bare)]


def _figure(live: list[Sample], bare: list[Sample]) -> Figure:
    drawn = [sample[1] for sample in live]
    details = {
        "samples": len(live),
        "p95 ms": round(statistics.quantiles(drawn, n=20)[-1], 1),
        "slowest ms": round(max(drawn), 1),
        "median to the document ms": round(statistics.median(sample[0] for sample in live), 1),
        "bare event p95 ms": round(statistics.quantiles([sample[1] for sample in bare], n=20)[-1], 1),
    }
    peers = {"a bare Reflex event": statistics.median(sample[1] for sample in bare)}
    return Figure("commit_to_page", statistics.median(drawn), "ms", LIMIT, peers, details=details)


def _launched() -> str:
    """An orchestration whose one agent works for ever; returns its id once that runs."""
    fields = {"repository": "https://github.com/acme/widgets", "mode": "BATCH", "tasks": [{"prompt": "[[sim:never]]"}]}
    orchestration = orchestrations.launch({**fields, "prompt": "Stay at work"}, by="bench")
    deadline = time.monotonic() + 60
    while not any(task.status == "running" for task in list_tasks(orchestration)):
        if time.monotonic() > deadline:
            raise RuntimeError("no agent began to work")
        time.sleep(0.1)
    return orchestration


@contextmanager
def _page(url: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path())
        try:
            page = browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.add_init_script(EYES)
            page.goto(url)
            page.wait_for_selector(f"{STATUS}:has-text('Running')")
            page.get_by_role("button", name="Follow up").first.wait_for()
            yield page
        finally:
            browser.close()


def _samples(page: Page, orchestration: str) -> tuple[list[Sample], list[Sample]]:
    chance = random.Random(7)
    changes: list[tuple[Callable[..., None], str]] = [
        (orchestrations.pause, "Paused"),
        (orchestrations.resume, "Running"),
    ]
    live: list[Sample] = []
    bare: list[Sample] = []
    for number in range(WARM_UP + SAMPLES):
        service, word = changes[number % 2]
        time.sleep(0.4 + chance.random() * 0.4)
        live.append(_change(page, word, lambda: service(orchestration, by="bench")))  # noqa: B023
        time.sleep(0.4 + chance.random() * 0.4)
        bare.append(_click(page, "What should the agent do next?" if number % 2 == 0 else ""))
    return live[WARM_UP:], bare[WARM_UP:]


def _change(page: Page, word: str, change: Callable[[], None]) -> Sample:
    page.evaluate("([selector, word]) => window.benchWatch(selector, word)", [STATUS, word])
    with _commits() as commits:
        change()
    changed, drawn = page.evaluate("() => window.benchSeen")
    return changed - commits[-1], drawn - commits[-1]


def _click(page: Page, wanted: str) -> Sample:
    button = page.get_by_role("button", name="Follow up").first
    changed, drawn = button.evaluate(
        "(button, [selector, wanted]) => window.benchClick(button, selector, wanted)", [FORM, wanted]
    )
    return changed, drawn


@contextmanager
def _commits() -> Iterator[list[float]]:
    """The moments, in milliseconds of the clock, at which this process handed a commit to Postgres."""
    moments: list[float] = []

    def note(connection: object) -> None:
        moments.append(time.time() * 1000)

    event.listen(Engine, "commit", note)
    try:
        yield moments
    finally:
        event.remove(Engine, "commit", note)


def chromium_path() -> str:
    """The browser to measure with."""
    if path := os.environ.get("CHROMIUM_PATH"):
        return path
    found = subprocess.run([sys.executable, stack.ROOT / "scripts" / "browser.py"], stdout=subprocess.PIPE, check=True)
    return found.stdout.decode().strip()
