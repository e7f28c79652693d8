"""An agent's conversation in a real browser: it grows while it is said, and is the same whatever died meanwhile."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from bench.stack import Stack
from tests.e2e.conftest import OpenPage
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROMPT = "Said bit by bit, about quokkas. [[sim:slow:40]]"  # 8 s at the test's scale


def said(page: Page) -> list[str]:
    return page.locator("ol.conversation .body, ol.conversation summary").all_inner_texts()


def test_a_conversation_grows_and_is_the_same_after_a_restart(open_page: OpenPage, stack: Stack) -> None:
    answer = httpx.post(
        f"{stack.url}/api/cloud-agents/agents", json={"prompt": PROMPT, "repository": "acme/web"}, trust_env=False
    )
    agent_id = answer.json()["id"]
    page = open_page(f"/agents/{agent_id}")
    page.evaluate("window.sameDocument = true")
    lines = page.get_by_role("list", name="Conversation")
    expect(lines).to_contain_text("quokkas")
    expect(lines.locator("summary").filter(has_text="README.md")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Live.")).to_be_visible()
    before = said(page)
    stack.part("worker").kill()
    expect(page.get_by_text("Complete.")).to_be_visible(timeout=60_000)
    expect(lines.get_by_text(re.compile("tests pass|passed", re.IGNORECASE)).first).to_be_attached()
    after = said(page)
    assert after[: len(before) - 1] == before[:-1]
    assert len(after) > len(before)
    assert page.evaluate("window.sameDocument"), "it was seen live, not after a reload"
    frame = page.locator("[data-stick]")
    assert frame.evaluate("one => one.scrollHeight - one.scrollTop - one.clientHeight") < 48, "it stays at the end"
    page.goto("about:blank")  # a page that is open while its server dies complains
    former = stack.part("granian")
    former.kill()
    eventually(lambda: is_up_again(stack, former.pid), 60)
    page.goto(f"/agents/{agent_id}")
    expect(page.get_by_text("Complete.")).to_be_visible()
    assert said(page) == after
    page.goto("/search?q=quokkas")
    found = page.get_by_role("list", name="Found")
    expect(found.locator("mark").first).to_have_text("quokkas")
    found.get_by_role("link").first.click()
    page.wait_for_url(re.compile(f"/agents/{agent_id}"))


def is_up_again(stack: Stack, former: int) -> bool:
    """Whether the supervisor has started the app anew, and it answers."""
    try:
        return stack.part("granian").pid != former and httpx.get(f"{stack.url}/livez", trust_env=False).is_success
    except (httpx.TransportError, RuntimeError):
        return False
