"""What is around every page: palette, keys, bell, title, and what became of an action."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Api, OpenPage
from tests.e2e.test_pages import settle, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_the_keyboard_alone_finds_steers_and_goes(open_page: OpenPage, api: Api) -> None:
    made = api.launch(name="Tidy the attic", prompt="[[sim:never]]", mode="SINGLE_AGENT")
    api.wait_for(made, "running")
    page = open_page("/agents")
    settle(page)
    page.get_by_role("button", name="Search or do").focus()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Go to, find, or do")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Search or do")).to_be_focused()

    choose(page, "tidy the at", "Tidy the attic acme/web", enter=False)
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tidy the attic")).to_be_visible()
    expect(page).to_have_title(re.compile(r"Tidy the attic · Running · Cursor Monitor$"))
    choose(page, "pause", "Pause this orchestration")
    expect(page.locator("#toasts")).to_have_text("Paused")
    expect(page).to_have_title(re.compile(r"· Paused · "))
    choose(page, "cancel", "Cancel this orchestration")
    page.get_by_role("button", name="Cancel it").click()
    expect(page).to_have_title(re.compile(r"· Stopped · "))

    page.get_by_role("link", name="Gantt").click()
    times = page.get_by_role("list", name="Time of each task").get_by_role("listitem").filter(has_text="Tidy the attic")
    expect(times.first).to_contain_text("agent 1, run 1")
    assert violations(page) == []
    page.get_by_role("link", name="Timeline").click()
    page.get_by_label("Type").select_option("OrchestrationPaused")
    expect(page.get_by_role("list", name="Events").get_by_role("listitem")).to_have_count(1)
    page.get_by_role("link", name="Board").click()
    expect(page.get_by_role("list", name="Left out")).to_contain_text("Tidy the attic")
    assert violations(page) == []

    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Orchestrations")).to_be_visible()
    settle(page)
    page.keyboard.press("j")
    expect(page.locator("tbody tr").first.get_by_role("link").first).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("n?gqj")
    expect(page.locator("main input[type=search]")).to_have_value("n?gqj")
    expect(page.get_by_role("heading", name="Orchestrations")).to_be_visible()


def test_what_needs_a_person_is_told_everywhere(open_page: OpenPage, api: Api) -> None:
    page = open_page("/health")
    settle(page)
    made = api.launch(name="Wait for my word", mode="SINGLE_AGENT", options={"require_approval": True})
    expect(page).to_have_title(re.compile(r"^\(\d+\+?\) Health · OK · Cursor Monitor$"))
    page.get_by_role("button", name=re.compile("need you")).click()
    mine = page.get_by_role("list", name="Needs you").get_by_role("listitem").filter(has_text="Wait for my word")
    expect(mine).to_contain_text("its plan waits for approval")
    expect(mine).to_have_attribute("data-new", "true")
    assert violations(page) == []
    assert "circle" in (page.locator("link[rel~=icon]").first.get_attribute("href") or "")
    mine.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Wait for my word")).to_be_visible()
    elsewhere = open_page("/health").locator("[data-need]", has_text="Wait for my word")
    expect(elsewhere).to_have_attribute("data-new", "false")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert violations(page) == []
    api.cancel(made)


def choose(page: Page, text: str, option: str, *, enter: bool = True) -> None:
    """Type in the palette until this is the chosen option, and take it."""
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    expect(page.get_by_role("option", name=option).first).to_have_attribute("aria-selected", "true")
    if enter:
        page.keyboard.press("Enter")


def test_what_was_written_comes_back_until_it_is_sent(open_page: OpenPage) -> None:
    page = open_page("/orchestrations/new")
    settle(page)
    page.get_by_label("Repository").fill("acme/web")
    page.get_by_label("What is to be done").fill("Paint the whole shed green, then blue.")
    page.get_by_role("radio", name="Pipeline").click()
    expect(page.get_by_role("radio", name="Pipeline")).to_be_checked()
    page.get_by_role("button", name="Add a task").click()
    page.get_by_label("Prompt of Task 3").fill("Clean the brushes.")
    page.wait_for_function("Object.values(localStorage).some(draft => draft.includes('the brushes'))")
    page.reload()
    expect(page.get_by_label("What is to be done")).to_have_value("Paint the whole shed green, then blue.")
    expect(page.get_by_label("Prompt of Task 3")).to_have_value("Clean the brushes.")
    expect(page.get_by_role("radio", name="Pipeline")).to_be_checked()
    expect(page.get_by_text("What you had written is back.")).to_be_visible()
    assert violations(page) == []
    for number in (1, 2):
        page.get_by_label(f"Prompt of Task {number}").fill(f"Coat {number}.")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_role("heading", name="Budget")).to_be_visible()
    page.goto("/orchestrations/new")
    settle(page)
    expect(page.get_by_label("Prompt of Task 2")).to_be_visible()
    expect(page.get_by_label("What is to be done")).to_have_value("")
