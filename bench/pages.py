"""The control room over a full database, in a real browser."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from playwright.sync_api import Browser, sync_playwright

from bench import page_audit, page_crowd, page_visits, stack
from bench.figures import Figure
from bench.filled import Filled, fill
from bench.live import chromium_path
from cursor_monitor import routes
from cursor_monitor.store import schema
from cursor_monitor.store.database import close_database, open_database
from cursor_monitor.store.embedded import EmbeddedPostgres

TITLE = "Pages over a full database"
HOW = """\
The whole product on a database with 100,000 orchestrations, 10,000 agents and 5 million events (`BENCH_EVENTS` scales
it), and Chromium without a screen. `pages_first_content`: from the navigation to the frame that shows the page's own
rows, each page several times, its scripts in the browser's cache. `pages_turn`: from a filter or a page turn to the
frame with other rows. `pages_scroll`: frames a second while the timeline of an orchestration with more than 10,000
events is scrolled; how many of them stand in the page is told beside it. `pages_live`: three Chromium pages and 47
websocket clients that say what the pages say (their handshake is recorded from a browser), spread over the overview,
the list, ten timelines and an agent, while another process commits twenty times a second five events each; from the
commit to the frame that shows it, in the three pages. What the 47 heard, and how many pages had not caught up three
seconds after the last commit, stands beside it. `pages_scripts`: bytes of all scripts of the first page as sent.
Scores are Lighthouse's (desktop), the lowest of the pages named beside them."""

MOST_NAMED = 12
AUDITED = (routes.OVERVIEW, routes.ORCHESTRATIONS, routes.AGENTS, routes.NEW_ORCHESTRATION)
FIGURES = (
    "pages_first_content",
    "pages_turn",
    "pages_scroll",
    "pages_live",
    "pages_app_cpu",
    "pages_app_memory",
    "pages_scripts",
    "pages_performance",
    "pages_accessibility",
    "pages_best_practices",
)


def measure() -> list[Figure]:
    """All that is asked of the pages, over one database."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder:
        filled, ids, agent = _filled(Path(folder))
        with stack.running(Path(folder)) as product, sync_playwright() as playwright:
            with page_visits.chromium(playwright, chromium_path()) as browser:
                figures = [
                    *_visited(browser, product.url, filled, ids, agent),
                    *_crowded(product, browser, ids, agent),
                ]
            return [*figures, *_audited(product.url)]


def _filled(folder: Path) -> tuple[Filled, list[str], str]:
    """Fill the database of a product that is yet to start; ten orchestrations that rest, and an agent."""
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        schema.migrate(server.url)
        filled = fill(server.url)
        with psycopg.connect(server.url) as database:
            waiting = "SELECT id::text FROM orchestrations WHERE status = 'waiting' ORDER BY id DESC LIMIT 10"
            newest = "SELECT id FROM agents WHERE state = 'finished' ORDER BY created_at DESC LIMIT 1"
            ids = [row[0] for row in database.execute(waiting)]
            agent = database.execute(newest).fetchone()
        assert agent
        return filled, ids, agent[0]
    finally:
        server.stop()


def _visited(browser: Browser, url: str, filled: Filled, ids: Sequence[str], agent: str) -> list[Figure]:
    timeline = f"{routes.orchestration(filled.long)}?tab=timeline"
    places = page_visits.places(filled.long, ids[0], agent)
    shown = page_visits.first_contents(browser, url, places)
    turned = page_visits.turns(browser, url, timeline)
    scrolled = page_visits.scrolled(browser, url + timeline)
    scripts = page_visits.scripts_sent(browser, url)
    size = {"orchestrations": filled.orchestrations, "agents": filled.agents, "events": filled.events}
    largest = sorted(scripts.items(), key=lambda script: -script[1])[:MOST_NAMED]
    return [
        Figure("pages_first_content", _p95(shown), "ms p95", 1000, details=size | _medians(shown)),
        Figure("pages_turn", _p95(turned), "ms p95", 200, details=_medians(turned)),
        Figure("pages_scroll", scrolled.pop("frames"), "frames/s", 50, lower_is_better=False, details=scrolled),
        Figure("pages_scripts", sum(scripts.values()) / 1000, "kB", 450, details=dict(largest)),
    ]


def _crowded(product: stack.Stack, browser: Browser, ids: Sequence[str], agent: str) -> list[Figure]:
    open_database(product.database_url)
    try:
        crowd = page_crowd.measure(product, browser, ids, agent)
    finally:
        close_database()
    details = {
        "events a second": round(crowd.events_a_second, 1),
        "median ms": round(statistics.median(crowd.browser_delays), 1),
        "47 clients p95 ms": round(statistics.quantiles(crowd.client_delays, n=20)[-1], 1),
        "47 clients slowest ms": round(max(crowd.client_delays), 1),
        "pages that did not catch up": crowd.behind,
        "MB heard": round(crowd.received / 1e6, 1),
    }
    delay = statistics.quantiles(crowd.browser_delays, n=20)[-1] if not crowd.behind else float("inf")
    return [
        Figure("pages_live", delay, "ms p95", 500, details=details),
        Figure("pages_app_cpu", 100 * crowd.cpu, "% of a core", 100),
        Figure("pages_app_memory", crowd.megabytes, "MB", 600),
    ]


def _audited(url: str) -> list[Figure]:
    scores = page_audit.audit(url, AUDITED, chromium_path())
    goals = {"performance": 90, "accessibility": 100, "best-practices": 95}
    return [
        Figure(
            f"pages_{category.replace('-', '_')}",
            min(page[category] for page in scores.values()),
            "of 100",
            goal,
            lower_is_better=False,
            details={
                **{path: round(page[category]) for path, page in scores.items()},
                **(
                    {"largest paint ms": round(max(p["largest paint ms"] for p in scores.values()))}
                    if goal == 90
                    else {}
                ),
            },
        )
        for category, goal in goals.items()
    ]


def _p95(found: Mapping[str, Sequence[float]]) -> float:
    return statistics.quantiles([value for values in found.values() for value in values], n=20)[-1]


def _medians(found: Mapping[str, Sequence[float]]) -> dict[str, int]:
    return {f"{name}, median ms": round(statistics.median(values)) for name, values in found.items()}
