"""Bad days, seen in a browser: a worker that hangs, a database that dies; the page says so and goes on by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bench.stack import Stack
from tests.e2e.conftest import Api, OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_worker_that_hangs_is_said_and_the_last_state_stays(open_page: OpenPage, api: Api, stack: Stack) -> None:
    done = api.launch(prompt="Done before the worker hung.")
    api.wait_for(done, "completed")
    page = open_page("/orchestrations")
    worker = stack.part("worker")
    worker.suspend()
    try:
        # Nobody announces what does not happen; an open page looks again after 15 s.
        expect(page.get_by_role("status").get_by_text("No worker is online")).to_be_visible(timeout=40_000)
        expect(page.get_by_role("row").filter(has_text="Done before the worker hung.")).to_contain_text("Completed")
        waiting = api.launch(prompt="Asked while it hung.")
        expect(page.get_by_role("row").filter(has_text="Asked while it hung.")).to_contain_text("Queued")
    finally:
        worker.resume()
    api.wait_for(waiting, "completed")
    expect(page.get_by_role("status").get_by_text("No worker is online")).to_have_count(0, timeout=20_000)
    expect(page.get_by_role("row").filter(has_text="Asked while it hung.")).to_contain_text("Completed")


def test_a_database_that_is_killed_comes_back_and_all_goes_on(open_page: OpenPage, api: Api, stack: Stack) -> None:
    made = api.launch(prompt="Under way when the database died. [[sim:iterate:1]]")
    page = open_page(f"/orchestrations/{made}")
    api.wait_for(made, "running")
    stack.part("postgres").kill()
    expect(page.locator(".page-head .badge")).to_have_text("Completed", timeout=60_000)
    (agent,) = api.ledger("Under way when the database died.")
    assert (agent["create_calls"], len(agent["runs"])) == (1, 2)
