"""A template by hand: written with its variables, filled in as a form, launched."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Api, OpenPage
from tests.e2e.test_pages import cut_off, settle, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_template_is_written_filled_in_and_launched(open_page: OpenPage, api: Api) -> None:
    page = open_page("/templates")
    settle(page)
    page.get_by_role("button", name="New template").click()
    page.get_by_label("Name").fill("Upgrade a library")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("Upgrade {{library}} in {{Place}}.")
    expect(page.locator("#prompt-error")).to_contain_text("is no variable")
    page.get_by_role("textbox", name="Prompt", exact=True).fill("Upgrade {{library}} in the {{place}}.")
    page.wait_for_function("Object.values(localStorage).some(draft => draft.includes('in the {{place}}'))")
    page.reload()
    page.get_by_role("button", name="New template").click()
    expect(page.get_by_text("What you had written is back.")).to_be_visible()
    page.get_by_label("Choices, by commas of place").fill("back end, front end")
    page.get_by_label("Label of library").fill("Which library")
    assert violations(page) + cut_off(page) == []
    page.get_by_role("button", name="Save").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Upgrade a library"))
    expect(card).to_contain_text("Asks for Which library")
    assert violations(page) == []
    card.get_by_role("link", name="Use Upgrade a library").click()
    page.get_by_label("Repository", exact=True).fill("acme/web")
    page.get_by_label("place").select_option("front end")
    page.get_by_role("button", name="Fill in the prompt").click()
    expect(page.get_by_text("is empty; say what goes into {{library}}")).to_be_visible()
    page.get_by_label("Which library").fill("httpx {{place}}")
    assert violations(page) + cut_off(page) == []
    page.get_by_role("button", name="Fill in the prompt").click()
    expect(page.get_by_label("What is to be done")).to_have_value("Upgrade httpx {{place}} in the front end.")
    page.get_by_label("Single agent").click()
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/orchestrations/[0-9a-f-]{36}"))
    made = api.get(f"/orchestrations/{page.url.rpartition('/')[2].partition('?')[0]}")
    assert made["prompt"] == "Upgrade httpx {{place}} in the front end."
