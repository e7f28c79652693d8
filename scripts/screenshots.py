"""Take a picture of every page over lifelike data: `make screenshots`; README=1 renews the three of the README too.

BASE_URL names a product that runs already; else one is started for the pictures, with the simulator, and ended after.
ONLY=word,word takes the pages with one of these words in their name.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.stack import running  # noqa: E402 - this script is run by its path
from scripts.browser import find  # noqa: E402

SHOTS = ROOT / "test-results" / "screenshots"
IMAGES = ROOT / "docs" / "images"
OF_README = {"overview": "overview", "orchestration-gantt": "orchestration", "agent": "agent"}
LOOKS: dict[str, tuple[str, int]] = {"light": ("light", 1440), "dark": ("dark", 1440), "phone": ("light", 390)}
PACE = {"SIM_TIME_SCALE": "0.6", "SIM_SEED": "11", "OBSERVE_MIN_SECONDS": "0.3", "HEARTBEAT_SECONDS": "1"}
PLAN = (
    ("model", "Rename the billing tables", ()),
    ("api", "Rename the billing routes", ("model",)),
    ("sdk", "Regenerate the client", ("api",)),
    ("docs", "Rewrite the billing guide", ("api",)),
    ("web", "Move the web app to the new routes [[sim:iterate:1]]", ("sdk",)),
    ("tests", "Cover the old routes' redirects [[sim:failing-tests:1]]", ("api",)),
)
WORK: tuple[dict[str, Any], ...] = (
    {"name": "Raise coverage of the parser", "repository": "acme/compiler", "prompt": "Cover the parser."},
    {"name": "Fix flaky login test", "repository": "acme/web", "prompt": "Find why it is flaky. [[sim:error]]"},
    {
        "name": "Translate the settings page",
        "repository": "acme/web",
        "prompt": "Translate it.",
        "options": {"require_approval": True},
    },
    {"name": "Upgrade to Postgres 18", "repository": "acme/infra", "prompt": "Upgrade. [[sim:iterate:2]]"},
    {"name": "Delete dead feature flags", "repository": "acme/web", "prompt": "Delete flags older than a year."},
    {"name": "Speed up the nightly export", "repository": "acme/data", "prompt": "Halve its time. [[sim:never]]"},
)


class Product:
    """The product's API, as far as the pictures need it."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/cloud-agents", timeout=20, trust_env=False)

    def get(self, path: str) -> Any:
        """What is at an address."""
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> str:
        """Make something; its id."""
        answer = self._http.post(path, json=body)
        if answer.is_error:
            raise SystemExit(answer.text)
        return answer.json()["id"]

    def fill(self) -> str:
        """Give work that ends in every way; the id of the orchestration with the most to see."""
        tasks = [{"key": k, "title": t.partition(" [[")[0], "prompt": t, "depends_on": list(a)} for k, t, a in PLAN]
        for work in WORK:
            self.post("/orchestrations", {"mode": "SINGLE_AGENT", **work})
        shown = {"name": "Rename the billing API", "mode": "AUTO", "repository": "acme/billing", "tasks": tasks}
        options = {"budget_cents": 500, "max_parallel_agents": 2}
        made = self.post("/orchestrations", {**shown, "prompt": "Call invoices bills everywhere.", "options": options})
        self.post("/agents", {"prompt": "Look into the memory leak of the importer.", "repository": "acme/data"})
        until = time.monotonic() + 120
        while self.get(f"/orchestrations/{made}")["tasks_completed"] < len(tasks) - 1 and time.monotonic() < until:
            time.sleep(0.5)
        return made


def pages_of(product: Product, shown: str) -> dict[str, str]:
    """The address of every page, by its name."""
    tasks = product.get(f"/orchestrations/{shown}/tasks")["items"]
    agent = next((task["agent_id"] for task in tasks[::-1] if task["agent_id"]), "")
    jobs = product.get("/jobs")["items"]
    detail = f"/orchestrations/{shown}"
    return {
        "overview": "/",
        "orchestrations": "/orchestrations",
        "new-orchestration": "/orchestrations/new",
        "orchestration": detail,
        **{f"orchestration-{tab}": f"{detail}?tab={tab}" for tab in ("board", "gantt", "timeline", "request")},
        "proof": f"{detail}/proof",
        "agents": "/agents",
        "new-agent": "/agents/new",
        "agent": f"/agents/{agent}",
        "search": "/search?q=billing",
        "queue": "/queue",
        "queue-job": f"/queue?job={jobs[0]['id']}" if jobs else "/queue",
        "profiles": "/profiles",
        "templates": "/templates",
        "schedules": "/schedules",
        "health": "/health",
        "settings": "/settings",
        "access": "/settings/access",
        "audit": "/audit",
        "palette": "/orchestrations#palette",
        "shortcuts": "/#shortcuts",
    }


def take(browser: Browser, url: str, paths: dict[str, str]) -> None:
    """Every page in every look."""
    for look, (scheme, width) in LOOKS.items():
        context = browser.new_context(
            base_url=url, color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 900}
        )
        page = context.new_page()
        for name, path in paths.items():
            settle(page, path)
            page.screenshot(path=SHOTS / f"{name}-{look}.png", full_page="#" not in path)
            if os.environ.get("README") and look == "light" and name in OF_README:
                page.screenshot(path=IMAGES / f"{OF_README[name]}.png")
        context.close()


def settle(page: Page, path: str) -> None:
    """Wait until a page shows what it has; a word after # opens that dialog."""
    address, _, dialog = path.partition("#")
    page.goto(address)
    page.get_by_role("heading").first.wait_for()
    page.get_by_label("Loading").wait_for(state="detached")
    if dialog == "palette":
        page.keyboard.press("Control+k")
        page.locator("#palette-input").fill("billing")
        page.locator("#palette [data-always]").nth(1).wait_for(timeout=5000)
    elif dialog:
        page.keyboard.press("?")
    page.wait_for_timeout(300)  # fonts and the first live data


@contextlib.contextmanager
def product_url() -> Iterator[str]:
    """A product that runs, or one that is started for this."""
    if os.environ.get("BASE_URL"):
        yield os.environ["BASE_URL"]
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data", **PACE) as stack:
        yield stack.url


def main() -> int:
    """Start, fill, take the pictures, end."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with product_url() as url, sync_playwright() as playwright:
        product = Product(url)
        shown = os.environ.get("SHOWN") or product.fill()
        only = os.environ.get("ONLY", "").split(",")
        paths = {name: path for name, path in pages_of(product, shown).items() if any(word in name for word in only)}
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        take(browser, url, paths)
        browser.close()
    sys.stdout.write(f"{len(paths) * len(LOOKS)} pictures in {SHOTS.relative_to(ROOT)}; the busiest is {shown}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
