"""The settings by hand: accounts with their keys, and what they change elsewhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Api, OpenPage
from tests.e2e.test_pages import cut_off, settle, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KEY = "crsr_browser_4711aabbccdd"


def test_an_account_is_added_limited_used_and_refused(open_page: OpenPage, api: Api) -> None:
    page = open_page("/settings")
    heard: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    page.reload()
    settle(page)
    page.get_by_role("button", name="Add an account").click()
    page.get_by_label("Name").fill("Team A")
    page.get_by_label("Key", exact=True).fill("bad")
    page.get_by_role("button", name="Add it").click()
    expect(page.locator("#key-error")).to_contain_text("is no key of Cursor's")
    assert violations(page) + cut_off(page) == []
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Add it").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Team A"))
    expect(card).to_contain_text(f"ends with {KEY[-4:]}")
    expect(card).to_contain_text("developer@example.com")
    assert any("Team A" in frame for frame in heard)
    assert not any(KEY in text for text in (page.content(), *heard)), "a key goes in and never comes out"

    card.get_by_role("button", name="Edit").click()
    page.get_by_label("Agents a day").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("0 of 1 agents")

    form = open_page("/agents/new")
    form.get_by_label("What it should do").fill("Paid by team A.")
    form.get_by_label("Repository", exact=True).fill("acme/web")
    form.get_by_label("Account").select_option("Team A")
    form.get_by_role("button", name="Launch", exact=True).click()
    form.wait_for_url(re.compile(r"/agents/bc-"))
    agent = api.get(f"/agents/{form.url.rpartition('/')[2]}")
    form.goto("/agents")
    form.get_by_label("Account").select_option("Team A")
    expect(form.get_by_role("link", name="Paid by team A.")).to_be_visible()
    expect(form.locator("table tbody tr")).to_have_count(1)

    made = next(one for one in api.get("/accounts")["items"] if one["name"] == "Team A")
    assert (agent["account_id"], made["agents_today"]) == (made["id"], 1)
    api.trouble(KEY, "revoked")
    card.get_by_role("button", name="Check now").click()
    expect(card.get_by_text("Refused")).to_be_visible(timeout=30_000)
    banner = form.get_by_role("status").filter(has_text="does not accept the key of account Team A")
    expect(banner).to_be_visible(timeout=30_000)
    assert violations(form) == []
    api.trouble(KEY, None)
    card.get_by_role("button", name="Check now").click()
    expect(card.get_by_text("In use")).to_be_visible(timeout=30_000)


def test_a_profile_is_made_kept_to_and_deleted(open_page: OpenPage, api: Api) -> None:
    page = open_page("/profiles")
    settle(page)
    page.get_by_role("button", name="New profile").click()
    page.get_by_label("Repositories").fill("kept")
    page.get_by_label("Branches to start from").fill("release/*\nmain")
    page.get_by_text("Options where a request does not say otherwise").click()
    page.get_by_label("Ask before launching").select_option("yes")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#pattern-error")).to_contain_text("must be a repository or a pattern")
    expect(page.get_by_label("Branches to start from")).to_have_value("release/*\nmain")
    assert violations(page) + cut_off(page) == []
    page.get_by_label("Repositories").fill("kept/*")
    page.get_by_role("button", name="Save").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="kept/*"))
    expect(card).to_contain_text("release/*, main")
    expect(card).to_contain_text("require_approval yes")

    form = open_page("/orchestrations/new")
    form.get_by_label("Repository", exact=True).fill("kept/web")
    form.get_by_label("Base branch").fill("dev")
    form.get_by_label("What is to be done").fill("Kept to a branch.")
    form.get_by_label("Single agent").click()
    form.get_by_role("button", name="Launch", exact=True).click()
    expect(form.locator("#ref-error")).to_contain_text("the profile kept/* lets agents start from release/*, main only")
    form.get_by_label("Base branch").fill("")
    form.get_by_role("button", name="Launch", exact=True).click()
    form.wait_for_url(re.compile(r"/orchestrations/[0-9a-f-]{36}"))
    made = api.wait_for(form.url.rpartition("/")[2].partition("?")[0], "waiting")
    assert (made["ref"], made["options"]["require_approval"]) == ("main", True)

    card.get_by_role("button", name="Edit").click()
    page.get_by_label("At work at once in each").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("2 in each repository")
    expect(card).to_contain_text("require_approval yes")
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete it").click()
    expect(card).to_have_count(0)


def test_a_channel_is_added_tried_and_deleted(open_page: OpenPage, api: Api) -> None:
    page = open_page("/settings/notifications")
    settle(page)
    page.get_by_role("button", name="New channel").click()
    page.get_by_label("Name").fill("Our program")
    page.get_by_label("Kind").select_option("webhook")
    page.get_by_label("Address of the webhook").fill("https://127.0.0.1/hook")
    page.get_by_label("An orchestration was stopped").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#target-error")).to_contain_text("leads into a private network")
    assert violations(page) + cut_off(page) == []
    page.get_by_label("Address of the webhook").fill("https://nowhere.invalid/secret-4711")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#made-secret")).to_contain_text("whsec_")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Our program"))
    expect(card).to_contain_text("nowhere.invalid/…")
    assert "secret-4711" not in page.content()
    made = next(one for one in api.get("/notifications")["items"] if one["name"] == "Our program")
    assert "orchestration.stopped" not in made["events"]
    assert len(made["events"]) == 10
    card.get_by_role("button", name="Send a test").click()
    expect(card.get_by_text("The last delivery failed: the host nowhere.invalid cannot be found")).to_be_visible()
    assert violations(page) == []
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete it").click()
    expect(card).to_have_count(0)
