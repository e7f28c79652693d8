"""Every page, in light and dark and on a phone: nothing in the console, nothing against axe, nothing cut off."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import axe_core_python
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SHOTS, Api, OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
HOSTILE = "<script>alert(1)</script> " + "x" * 300 + " \u202eabc\u202c 👩‍👩‍👧 ![a](http://127.0.0.1:9/a.png)"
# By name: the colours and the width.
LOOKS: dict[str, tuple[Literal["light", "dark"], int]] = {
    "light": ("light", 1440),
    "dark": ("dark", 1440),
    "phone": ("light", 390),
    "tablet": ("light", 1024),
}
PARTS = 3


@pytest.fixture(scope="module")
def places() -> dict[str, str]:
    return {}


@pytest.fixture
def paths(api: Api, places: dict[str, str]) -> dict[str, str]:
    """Every page that there is, by name, over data that is long and hostile."""
    if not places:
        tasks = [{"key": "a", "title": HOSTILE[:90], "prompt": HOSTILE}, {"key": "b", "prompt": "[[sim:error]]"}]
        made = api.launch(prompt=HOSTILE, name=HOSTILE[:90], mode="BATCH", tasks=tasks)
        api.wait_for(made, "partial", "completed", "error")
        agent_id = sorted(api.agents_named_in(made))[0]
        api.profile("acme/hostile", protected_paths=[HOSTILE[:90].replace("\u202e", "")], base_branches=["main"])
        api.schedule("s" * 100, HOSTILE)
        api.channel("c" * 60)
        api.template(HOSTILE[:90].replace("\u202e", ""), HOSTILE + " {{where}}", description=HOSTILE)
        places |= {
            "overview": "/",
            "orchestrations": "/orchestrations",
            "orchestrations-none": "/orchestrations?q=there-is-no-such-thing",
            "new-orchestration": "/orchestrations/new",
            "orchestration-tasks": f"/orchestrations/{made}",
            "orchestration-timeline": f"/orchestrations/{made}?tab=timeline",
            "orchestration-request": f"/orchestrations/{made}?tab=request",
            "agents": "/agents",
            "agents-groups": "/agents?group=repository",
            "new-agent": "/agents/new",
            "agent": f"/agents/{agent_id}",
            "search": "/search?q=script",
            "search-none": "/search?q=there-is-no-such-thing",
            "queue": "/queue",
            "queue-job": f"/queue?job={api.get('/jobs')['items'][0]['id']}",
            "health": "/health",
            "settings": "/settings",
            "notifications": "/settings/notifications",
            "profiles": "/profiles",
            "access": "/settings/access",
            "audit": "/audit",
            "templates": "/templates",
            "schedules": "/schedules",
            "orchestration-gone": "/orchestrations/01890000-0000-7000-8000-000000000000",
            "agent-gone": "/agents/bc-00000000-0000-4000-8000-000000000000",
        }
    return places


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole(open_page: OpenPage, paths: dict[str, str], part: int) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    page = open_page("/")
    for number, (name, path) in list(enumerate(paths.items()))[part::PARTS]:
        # Each page is loaded in one look, another than the page before it, and then changes to the others.
        order = [list(LOOKS)[(number + turn) % len(LOOKS)] for turn in range(len(LOOKS))]
        put_on(page, order[0])
        page.goto(path)
        settle(page)
        if name == "new-orchestration":
            expect(page.get_by_label("Prompt of Task 2")).to_be_visible()
        # What is folded is looked at too.
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        for look in order:
            put_on(page, look)
            page.screenshot(path=SHOTS / f"{name}-{look}.png", full_page=True, animations="disabled")
            # Between the phone and the desk only the layout is another.
            found = cut_off(page) if look == "tablet" else [*violations(page), *cut_off(page)]
            faults += [f"{name} in {look}: {fault}" for fault in found]
    assert faults == []


def put_on(page: Page, look: str) -> None:
    """Change the colours and the width, as a device does that is turned or whose evening begins."""
    scheme, width = LOOKS[look]
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    expect(page.locator("html")).to_have_class(re.compile(rf"\b{scheme}\b"))


def settle(page: Page) -> None:
    """Wait until the page shows what it has."""
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_label("Loading")).to_have_count(0)


def violations(page: Page) -> list[str]:
    """What axe finds."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:200]} {v['nodes'][0]['failureSummary'][:300]}" for v in found["violations"]
    ]


def cut_off(page: Page) -> list[str]:
    """Whether the page scrolls sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{wide} px too wide"] if wide > 0 else []


def test_back_and_deep_links_find_the_same_view(open_page: OpenPage, paths: dict[str, str]) -> None:
    page = open_page("/orchestrations?status=error&q=nothing-like-it")
    expect(page.get_by_label("Status")).to_have_value("error")
    expect(page.get_by_role("searchbox")).to_have_value("nothing-like-it")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label("Status")).to_have_value("")
    page.go_back()
    expect(page.get_by_label("Status")).to_have_value("error")


def test_everything_can_be_reached_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/")
    settle(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="New orchestration").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New orchestration")).to_be_visible()
