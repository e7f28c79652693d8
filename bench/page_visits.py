"""Pages in a real browser: when their content stands, how quick a filter is, how a long timeline scrolls."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

from cursor_monitor import routes

VISITS, TURNS = 5, 12
SCROLL_SECONDS = 6
PATIENCE_MS = 20_000
# Notes, from the start of the navigation, when what is wanted first stands in a frame that was drawn.
EYES = """
window.benchDrawn = () => new Promise(done => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done(performance.now());
  channel.port2.postMessage(null);
}));
window.benchUntil = (test) => new Promise(done => {
  const look = () => { if (!test()) return false; observer.disconnect(); window.benchDrawn().then(done); return true; };
  const observer = new MutationObserver(look);
  if (!look()) observer.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
});
window.benchUntil(() => document.querySelector(window.benchWanted)).then(drawn => { window.benchShown = drawn; });
"""
# Turns the page by a control and tells the milliseconds until other rows stand there.
TURN = """
([selector, value, rows]) => {
  const text = () => document.querySelector(rows)?.innerText ?? '';
  const before = text(), control = document.querySelector(selector), began = performance.now();
  const shown = window.benchUntil(() => text() && text() !== before);
  if (control.tagName === 'SELECT') {
    Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value').set.call(control, value);
    control.dispatchEvent(new Event('change', {bubbles: true}));
  } else control.click();
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`${selector} ${value}: no change`)), 15000));
  return Promise.race([shown, late]).then(drawn => drawn - began);
}
"""
# Scrolls as a hand on a wheel does and counts the frames that are drawn meanwhile.
SCROLL = """
(milliseconds) => new Promise(done => {
  const times = [], began = performance.now();
  const step = now => {
    times.push(now);
    window.scrollBy(0, 60);
    if (now - began < milliseconds) requestAnimationFrame(step);
    else done([times, document.querySelectorAll('.timeline li').length, Math.round(window.scrollY)]);
  };
  requestAnimationFrame(step);
})
"""
ROWS = "main tbody"
NEXT = "nav[aria-label=Pages] button:last-child"


def places(long: str, orchestration: str, agent: str) -> dict[str, tuple[str, str]]:
    """Every page: its address, and what is there once its content is."""
    whole = ".page-head .badge"
    row = "main tbody tr"
    detail = routes.orchestration(orchestration)
    return {
        "overview": (routes.OVERVIEW, ".lane-cards li"),
        "orchestrations": (routes.ORCHESTRATIONS, row),
        "orchestrations in need": (f"{routes.ORCHESTRATIONS}?status=attention", row),
        "orchestration": (detail, whole),
        "timeline": (f"{routes.orchestration(long)}?tab=timeline", ".timeline li"),
        "gantt": (f"{detail}?tab=gantt", whole),
        "proof": (f"{detail}/proof", "main h2"),
        "agents": (routes.AGENTS, row),
        "agents found": (f"{routes.AGENTS}?q=billing", row),
        "agent": (routes.agent(agent), ".page-head .badge"),
        "search": (f"{routes.SEARCH}?q=importer", ".found li"),
        "queue": (routes.QUEUE, row),
        "health": (routes.HEALTH, "main table, main .card, main li"),
        "audit": (routes.AUDIT, row),
        "new orchestration": (routes.NEW_ORCHESTRATION, "main form textarea"),
        "new agent": (routes.NEW_AGENT, "main form textarea"),
        "templates": (routes.TEMPLATES, "main h1"),
        "profiles": (routes.PROFILES, "main h1"),
        "schedules": (routes.SCHEDULES, "main h1"),
        "settings": (routes.SETTINGS, "main h1"),
    }


TURNED: tuple[tuple[str, str, Sequence[tuple[str, str]]], ...] = (
    (
        routes.ORCHESTRATIONS,
        ROWS,
        [(NEXT, ""), (NEXT, ""), ("select[aria-label=Status]", "error"), (NEXT, ""), ("select[aria-label=Status]", "")],
    ),
    (
        routes.AGENTS,
        ROWS,
        [(NEXT, ""), ("select[aria-label=State]", "failed"), ("select[aria-label=State]", "finished"), (NEXT, "")],
    ),
    (routes.QUEUE, ROWS, [(NEXT, ""), ("select[aria-label=Status]", "failed"), ("select[aria-label=Status]", "")]),
)


@contextmanager
def chromium(playwright: Playwright, path: str) -> Iterator[Browser]:
    """A browser without a screen."""
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
    try:
        yield browser
    finally:
        browser.close()


def first_contents(browser: Browser, url: str, pages: Mapping[str, tuple[str, str]]) -> dict[str, list[float]]:
    """Milliseconds from the navigation to the drawn content, by page; its scripts are in the cache by then."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    found: dict[str, list[float]] = {}
    for name, (path, wanted) in pages.items():
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(f"window.benchWanted = {json.dumps(wanted)};" + EYES)
        found[name] = []
        for number in range(VISITS + 1):
            page.goto(url + path, wait_until="commit")
            shown = _shown(page)
            if number:  # the first fills the cache with the scripts of this page
                found[name].append(shown)
        page.close()
    context.close()
    return found


def _shown(page: Page) -> float:
    """When the content stood; asked for now and then, which a page that loads anew survives."""
    return page.wait_for_function("() => window.benchShown", polling=50).json_value()


def _turned(page: Page, selector: str, value: str, rows: str) -> float:
    page.locator(selector).and_(page.locator(":enabled")).wait_for()
    return page.evaluate(TURN, [selector, value, rows])


def turns(browser: Browser, url: str, timeline: str) -> dict[str, list[float]]:
    """Milliseconds from a filter or a page turn to other rows, by page."""
    found: dict[str, list[float]] = {}
    filters = [("select[aria-label=Level]", "success"), ("select[aria-label=Level]", "")]
    for path, rows, steps in (*TURNED, (timeline, ".timeline", filters)):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(f"window.benchWanted = {json.dumps(rows)};" + EYES)
        page.goto(url + path)
        _shown(page)
        found[path.partition("?")[0]] = [_turned(page, *steps[n % len(steps)], rows) for n in range(TURNS + 1)][1:]
        page.close()
    return found


def scrolled(browser: Browser, url: str) -> dict[str, Any]:
    """Frames a second, the longest frame and how many events stand in the page at most, while it scrolls."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    page.locator(".timeline li").first.wait_for()
    times, rows, way = page.evaluate(SCROLL, SCROLL_SECONDS * 1000)
    page.close()
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return {
        "frames": len(gaps) / (times[-1] - times[0]) * 1000,
        "longest frame ms": round(max(gaps), 1),
        "p95 frame ms": round(statistics.quantiles(gaps, n=20)[-1], 1),
        "events in the page": rows,
        "pixels": way,
    }


def scripts_sent(browser: Browser, url: str) -> dict[str, int]:
    """The bytes of every script that the first page fetches, as they went over the wire."""
    context = browser.new_context()
    page = context.new_page()
    client = context.new_cdp_session(page)
    client.send("Network.enable")
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    client.on("Network.responseReceived", lambda event: names.update(_script(event)))
    client.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(url, wait_until="networkidle")
    page.wait_for_timeout(1000)
    context.close()
    return {name: int(sizes.get(request, 0)) for request, name in names.items()}


def _script(event: Mapping[str, Any]) -> dict[str, str]:
    response = event["response"]
    is_script = "javascript" in response["mimeType"]
    return {event["requestId"]: response["url"].rpartition("/")[2]} if is_script else {}
