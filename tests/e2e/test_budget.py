"""A budget that ends, said and raised in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Api, OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_budget_in_cents_ends_is_said_and_raised(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Costly. [[sim:iterate:3]] [[sim:cents:30]]", options={"budget_cents": 50})
    page = open_page(f"/orchestrations/{made}")
    expect(page.locator(".page-head .badge")).to_have_text("Blocked", timeout=60_000)
    expect(page.locator(".banner")).to_contain_text("60 of 50 cents of the budget are spent")
    expect(page.get_by_role("list", name="Budgets")).to_contain_text("60 of 50 cents")
    page.get_by_role("button", name="Change budget").click()
    page.get_by_label("US cents in all").fill("55")
    page.get_by_role("button", name="Set budget").click()
    expect(page.locator(".field-error")).to_contain_text("must be above the 60")
    page.get_by_label("US cents in all").fill("500")
    page.get_by_role("button", name="Set budget").click()
    expect(page.locator(".page-head .badge")).to_have_text("Completed", timeout=60_000)
    assert {(len(agent["runs"]), agent["create_calls"]) for agent in api.ledger("Costly.")} == {(4, 1)}
    assert len(api.ledger("Costly.")) == 1
