"""The fleet by hand: many at once, a launch with a picture, files to take away."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Api, OpenPage
from tests.e2e.test_pages import cut_off, settle, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def wait_until_finished(api: Api, *ids: str) -> None:
    eventually(lambda: all(api.get(f"/agents/{one}")["status"] == "finished" for one in ids), 60, 0.2)


def choose(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=f"Choose {name}", exact=True).click()
        expect(page.get_by_role("checkbox", name=f"Choose {name}", exact=True)).to_be_checked()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_selection_is_archived_by_its_count(open_page: OpenPage, api: Api, width: int) -> None:
    tag = f"tidy {width}"
    made = [api.launch_agent(tag, name=f"Tidy {number}") for number in range(4)]
    wait_until_finished(api, *made)
    page = open_page(f"/agents?tag={tag.replace(' ', '+')}&sort=name", width=width, dark=width == 390)
    settle(page)
    choose(page, "Tidy 0", "Tidy 1", "Tidy 2")
    expect(page.get_by_role("toolbar")).to_contain_text("3 chosen")
    page.get_by_role("button", name="Archive", exact=True).click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Archive 3 agents?")
    assert violations(page) + cut_off(page) == []
    dialog.get_by_role("button", name="Archive 3 agents").click()
    expect(page.get_by_role("status").filter(has_text="Archiving 3 agents.")).to_be_visible()
    expect(page.get_by_role("link", name="Tidy 2")).to_have_count(0, timeout=30_000)
    expect(page.get_by_role("link", name="Tidy 3")).to_be_visible()
    page.get_by_label("Where it is").select_option("archived")
    expect(page.get_by_role("link", name="Tidy 1")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("link", name="Tidy 3")).to_be_visible()
    assert [api.get(f"/agents/{one}")["shelf"] for one in made] == ["archived"] * 3 + ["current"]


def test_a_view_is_saved_and_brings_its_filters_back(open_page: OpenPage, api: Api) -> None:
    api.launch_agent(name="Seen in a view")
    page = open_page("/agents?origin=person&sort=name")
    settle(page)
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Save this list as").fill("By hand")
    page.get_by_role("button", name="Save", exact=True).click()
    view = page.get_by_role("link", name="By hand")
    expect(view).to_have_attribute("aria-current", "page")
    assert violations(page) + cut_off(page) == []
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_role("combobox", name="Origin")).to_have_value("")
    expect(view).to_have_attribute("aria-current", "false")
    view.click()
    expect(page.get_by_role("combobox", name="Origin")).to_have_value("person")
    page.get_by_role("button", name="Delete the view By hand").click()
    expect(view).to_have_count(0)


def test_an_agent_is_launched_with_a_picture_and_a_plan(open_page: OpenPage, api: Api) -> None:
    api.launch_agent(ref="main")
    page = open_page("/agents/new")
    page.get_by_label("What it should do").fill("Planned by hand, with a picture.")
    page.get_by_label("Repository", exact=True).fill("acme/web")
    expect(page.locator("#branches option[value=main]")).to_have_count(1)
    page.get_by_label("Plan first").click()
    expect(page.get_by_label("Plan first")).to_be_checked()
    page.locator("input[type=file]").set_input_files({"name": "<b>.png", "mimeType": "image/png", "buffer": PIXEL})
    expect(page.get_by_role("list", name="Chosen pictures").locator("li[data-upload]")).to_contain_text("<b>.png")
    page.get_by_label("Model").select_option("gpt-5.5")
    page.get_by_label("Thinking").select_option("high")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/agents/bc-"))
    agent_id = page.url.rpartition("/")[2]
    wait_until_finished(api, agent_id)
    (launched,) = api.ledger("Planned by hand, with a picture.")
    assert (launched["id"], launched["create_calls"]) == (agent_id, 1)
    assert [(run["mode"], run["images"]) for run in launched["runs"]] == [("plan", 1)]


def test_a_form_that_is_refused_says_where(open_page: OpenPage) -> None:
    page = open_page("/agents/new")
    page.get_by_label("What it should do").fill("Typed with care.")
    page.get_by_label("Repository", exact=True).fill("javascript:alert(1)")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator("#repository-error")).to_be_visible()
    expect(page.get_by_label("What it should do")).to_have_value("Typed with care.")


def test_files_tags_and_the_end_of_an_agent(open_page: OpenPage, api: Api) -> None:
    agent_id = api.launch_agent(name="Leaves files")
    wait_until_finished(api, agent_id)
    page = open_page(f"/agents/{agent_id}")
    file = page.get_by_role("list", name="Files").get_by_role("link").first
    expect(file).to_be_visible(timeout=30_000)
    answer = page.context.request.get(file.get_attribute("href") or "")
    assert answer.ok
    assert "/_s3/" in answer.url
    page.get_by_label("Add a tag").fill("Keep me")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Tags", exact=True)).to_contain_text("keep me")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Deleted at Cursor.")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("Follow-up")).to_have_count(0)
