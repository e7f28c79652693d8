"""A schedule by hand: written, run now, paused, changed, deleted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Api, OpenPage
from tests.e2e.test_pages import cut_off, settle, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_schedule_is_written_run_paused_and_changed(open_page: OpenPage, api: Api) -> None:
    api.template("Report", "Report on {{area}}.")
    page = open_page("/schedules")
    settle(page)
    page.get_by_role("button", name="New schedule").click()
    page.get_by_label("Name").fill("Night report")
    page.get_by_label("When", exact=True).fill("0 3 * * 8")
    expect(page.locator("#cron-error")).to_contain_text("is no day of the week")
    page.get_by_label("When", exact=True).fill("0 3 29 2 *")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.get_by_text("Next: Tue 2028-02-29 03:00 CET")).to_be_visible()
    page.get_by_label("Repository").fill("acme/web")
    page.get_by_label("Template").select_option("Report")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is empty; say what goes into {{area}}").first).to_be_visible()
    page.get_by_label("area").fill("the night")
    assert violations(page) + cut_off(page) == []
    page.get_by_role("button", name="Save").click()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Night report"))
    expect(card).to_contain_text("0 3 29 2 * (Europe/Berlin)")
    card.get_by_role("button", name="Run now").click()
    expect(card.get_by_text("Launched")).to_be_visible()
    card.get_by_role("button", name="Pause").click()
    expect(card).to_contain_text("not while it is paused")
    assert violations(page) == []
    card.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("area")).to_have_value("the night")
    page.get_by_label("Launches a day, at most").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("2 a day at most")
    card.get_by_role("link", name="orchestration").click()
    page.wait_for_url(re.compile(r"/orchestrations/[0-9a-f-]{36}"))
    made = api.get(f"/orchestrations/{page.url.rpartition('/')[2].partition('?')[0]}")
    assert (made["name"], made["prompt"]) == ("Night report", "Report on the night.")
