"""A plan before anything is paid for: seen while it is typed, edited, approved, and then done exactly so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from bench.stack import Stack
from tests.e2e.conftest import Api, OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PROMPT = "Planned by hand.\n\n1. Model\n2. Pages\n3. Mails\n4. Join\n   depends on: 2, 3\n"


def test_a_prompt_is_previewed_edited_approved_and_done(open_page: OpenPage, api: Api) -> None:
    page = open_page("/orchestrations/new")
    page.get_by_label("Repository").fill("acme/web")
    auto = page.get_by_label(re.compile("^Auto"))
    auto.click()
    expect(auto).to_be_checked()
    page.get_by_label("What is to be done").fill(PROMPT)
    planned = page.get_by_role("list", name="Planned tasks").get_by_role("listitem")
    expect(planned).to_have_count(5)
    expect(planned.nth(3)).to_contain_text("merges branches")
    expect(page.get_by_role("list", name="Task graph").get_by_role("listitem")).to_have_count(5)
    expect(page.get_by_label("Plan preview")).to_contain_text("Expected cost")
    page.get_by_role("button", name="Edit the plan").click()
    expect(page.get_by_label("Title of Task 4")).to_have_value("Join")
    expect(page.get_by_label("Task 4 waits for")).to_have_value("2, 3")
    page.get_by_role("button", name="Remove: Task 1").click()
    # Until they are numbered anew, what is called Task 3 is another one.
    expect(page.get_by_label("Title of Task 4")).to_have_count(0)
    page.get_by_label("Task 3 waits for").fill("1, 2")
    expect(planned).to_have_count(4)
    page.get_by_text("Model, limits and name").click()
    page.get_by_label("Ask me before agents are launched").check()
    expect(page.get_by_label("Plan preview")).to_contain_text("4 agents")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/orchestrations/[0-9a-f-]{36}"))
    head = page.locator(".page-head .badge")
    expect(head).to_have_text("Needs approval", timeout=30_000)
    assert api.ledger("Planned by hand.") == []
    page.get_by_role("button", name="Edit the plan").click()
    page.get_by_label("What task 3 waits for").fill("7")
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_role("alert").first).to_contain_text("there is no task '7'")
    page.get_by_label("What task 3 waits for").fill("2")
    page.get_by_label("Title of task 3").fill("Join at last")
    page.get_by_role("button", name="Save the plan").click()
    tasks = page.get_by_role("list", name="Tasks").get_by_role("listitem")
    expect(tasks).to_have_count(3)
    expect(tasks.last).to_contain_text("Join at last")
    page.get_by_role("button", name="Approve").click()
    expect(head).to_have_text("Completed", timeout=60_000)
    nodes = page.get_by_role("list", name="Task graph").get_by_role("listitem")
    expect(nodes.and_(page.locator("[data-status=completed]"))).to_have_count(3)
    launched = api.ledger("Planned by hand.")
    assert [(agent["create_calls"], len(agent["runs"])) for agent in launched] == [(1, 1)] * 3


def test_a_worker_killed_while_the_planner_works_makes_no_second_planner(api: Api, stack: Stack) -> None:
    prompt = "Planner killed. [[sim:plan:cycle,diamond]]"
    made = api.launch(prompt=prompt, mode="AUTO")
    api.wait_for(made, "running")
    stack.part("worker").kill()
    assert api.wait_for(made, "completed", "partial", "error")["status"] == "completed"
    planners = [agent for agent in api.ledger("Planner killed.") if agent["name"].startswith("Plan:")]
    assert [(agent["create_calls"], len(agent["runs"])) for agent in planners] == [(1, 2)]
    tasks = api.get(f"/orchestrations/{made}/tasks")["items"]
    assert [task["key"] for task in tasks] == ["base", "left", "right", "merge-join", "join"]
    assert {agent["id"] for agent in api.ledger("Planner killed.")} == api.agents_named_in(made)
