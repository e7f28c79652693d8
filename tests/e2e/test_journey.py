"""What the product exists for, done by hand in a browser: launch, watch, steer, and find every step afterwards."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from bench.stack import Stack
from tests.e2e.conftest import Api, OpenPage
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

THREE = [{"key": f"t{n}", "title": f"Part {n}", "prompt": f"Do part {n}."} for n in (1, 2, 3)]


def launch_by_hand(page: Page, prompt: str, tasks: list[str]) -> str:
    """Fill the form of a BATCH and press Launch; returns the id from the address that opens."""
    page.get_by_label("Repository").fill("acme/web")
    page.get_by_label("What is to be done").fill(prompt)
    for _ in tasks[2:]:
        page.get_by_role("button", name="Add a task").click()
    for number, text in enumerate(tasks, 1):
        page.get_by_label(f"Prompt of Task {number}", exact=True).fill(text)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/orchestrations/[0-9a-f-]{36}"))
    return page.url.partition("?")[0].rstrip("/").rpartition("/")[2]


def test_a_batch_of_three_is_launched_watched_and_proved(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    page.get_by_role("link", name="New orchestration").first.click()
    made = launch_by_hand(page, "Journey: three parts. [[sim:slow:25]]", ["Do one.", "Do two.", "Do three."])
    page.evaluate("window.sameDocument = true")
    tasks = page.get_by_role("list", name="Tasks").get_by_role("listitem")
    expect(tasks).to_have_count(3)
    expect(tasks.filter(has_text="Running").first).to_be_visible()
    expect(tasks.filter(has_text="Completed")).to_have_count(3, timeout=60_000)
    expect(page.locator(".page-head .badge")).to_have_text("Completed")
    assert page.evaluate("window.sameDocument"), "it was seen live, not after a reload"
    page.get_by_role("link", name="Timeline").click()
    timeline = page.get_by_role("list", name="Events")
    expect(timeline).to_contain_text("Ended: completed.")
    expect(timeline.get_by_text("Agent launched for task")).to_have_count(3)
    timeline.get_by_text("OrchestrationEnded", exact=True).click()
    expect(timeline.locator("details[open] pre")).to_contain_text('"status": "completed"')
    page.get_by_role("link", name="Tasks").click()
    tasks.first.get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/agents/bc-"))
    expect(page.get_by_role("list", name="Conversation")).to_contain_text("tests pass")
    launched = api.ledger("Journey: three parts.")
    assert {agent["id"] for agent in launched} == api.agents_named_in(made)
    assert [(len(launched), a["create_calls"], len(a["runs"])) for a in launched] == [(3, 1, 1)] * 3


def test_a_worker_killed_half_way_costs_no_second_agent(open_page: OpenPage, api: Api, stack: Stack) -> None:
    made = api.launch(prompt="Killed half way. [[sim:iterate:1]]", mode="BATCH", tasks=THREE)
    eventually(lambda: any(run["status"] == "RUNNING" for agent in api.ledger("Killed half") for run in agent["runs"]))
    stack.part("worker").kill()
    page = open_page(f"/orchestrations/{made}")
    assert api.wait_for(made, "completed")["tasks_completed"] == 3
    expect(page.locator(".page-head .badge")).to_have_text("Completed")
    launched = api.ledger("Killed half way.")
    assert {agent["id"] for agent in launched} == api.agents_named_in(made)
    assert [(agent["create_calls"], len(agent["runs"])) for agent in launched] == [(1, 2)] * 3
    eventually(lambda: "worker is back" in stack.lines)  # said by the next look at the parts


def test_pausing_resuming_and_cancelling(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Steered. [[sim:never]]", mode="BATCH", tasks=THREE, options={"max_parallel_agents": 1})
    page = open_page(f"/orchestrations/{made}")
    head = page.locator(".page-head .badge")
    expect(head).to_have_text("Running")
    page.get_by_role("button", name="Pause").click()
    expect(head).to_have_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(head).to_have_text("Running")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel it").click()
    expect(head).to_have_text("Stopped", timeout=30_000)
    assert {run["status"] for agent in api.ledger("Steered.") for run in agent["runs"]} == {"CANCELLED"}


def test_what_waits_for_a_person_is_approved_from_the_overview(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Ask me first.", options={"require_approval": True})
    api.wait_for(made, "waiting")
    assert api.ledger("Ask me first.") == []
    page = open_page("/")
    page.get_by_role("link", name="need you").click()
    waiting = page.get_by_role("list", name="Respond").get_by_role("listitem").filter(has_text="Ask me first.")
    expect(waiting).to_contain_text("its plan waits for approval")
    expect(page.get_by_role("heading", name="Working")).to_have_count(0)
    waiting.get_by_role("link", name="Approve: Ask me first.").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".page-head .badge")).to_have_text("Completed", timeout=30_000)
    assert len(api.ledger("Ask me first.")) == 1


def test_a_follow_up_from_the_agents_page_is_sent_once(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Followed up.")
    api.wait_for(made, "completed")
    (agent_id,) = api.agents_named_in(made)
    page = open_page(f"/agents/{agent_id}")
    page.get_by_label("Follow-up").fill("And a word on upgrading.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("list", name="Conversation")).to_contain_text("And a word on upgrading.", timeout=30_000)
    expect(page.get_by_label("Follow-up")).to_have_value("")
    (agent,) = api.ledger("Followed up.")
    assert [run["prompt"] for run in agent["runs"][1:]] == ["And a word on upgrading."]


def test_a_refused_form_says_where_and_keeps_what_was_typed(open_page: OpenPage, api: Api) -> None:
    before = len(api.get("/orchestrations?limit=200")["items"])
    page = open_page("/orchestrations/new")
    page.get_by_label("Repository").fill("javascript:alert(1)")
    page.get_by_label("What is to be done").fill("Typed with care.")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator("#repository-error")).to_be_visible()
    expect(page.get_by_label("What is to be done")).to_have_value("Typed with care.")
    assert len(api.get("/orchestrations?limit=200")["items"]) == before


def test_a_second_person_sees_the_change_of_the_first(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Two look on. [[sim:never]]")
    first, second = open_page(f"/orchestrations/{made}"), open_page("/orchestrations")
    row = second.get_by_role("row").filter(has_text="Two look on.")
    expect(row).to_contain_text("Running")
    first.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused", timeout=3_000)
    first.get_by_role("button", name="Cancel").click()
    first.get_by_role("alertdialog").get_by_role("button", name="Cancel it").click()
    expect(row).to_contain_text("Stopped", timeout=30_000)


def test_a_dead_letter_is_found_read_and_tried_again(open_page: OpenPage, api: Api) -> None:
    job_id = api.dead_letter()
    page = open_page("/queue?status=failed")
    page.get_by_role("link", name=str(job_id), exact=True).click()
    whole = page.get_by_label("The chosen job")
    expect(whole).to_contain_text("Dead letter")
    expect(whole.get_by_role("list", name="Errors")).to_contain_text("the cable was cut")
    whole.get_by_role("button", name="Retry").click()
    expect(whole).not_to_contain_text("Dead letter")
    assert api.get(f"/jobs/{job_id}")["status"] != "failed"


def test_dead_letters_are_counted_chosen_and_discarded_together(open_page: OpenPage, api: Api) -> None:
    made = [api.dead_letter() for _ in range(3)]
    page = open_page("/queue?status=failed&kind=advance")
    line = page.get_by_role("region", name="Jobs by kind and state").get_by_role("row").filter(has_text="advance")
    expect(line.get_by_role("link", name="3", exact=True)).to_be_visible()
    page.get_by_role("checkbox", name=f"Choose job {made[0]}").click()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Discard 1 job").click()
    expect(page.get_by_text("1 job discarded.")).to_be_visible()
    page.get_by_role("checkbox", name="Choose all of this page").click()
    page.get_by_role("button", name="Choose all that fit").click()
    page.get_by_role("button", name="Discard", exact=True).click()
    page.get_by_role("button", name="Discard 2 jobs").click()
    expect(page.get_by_text("2 jobs discarded.")).to_be_visible()
    assert {api.get(f"/jobs/{job_id}")["status"] for job_id in made} == {"cancelled"}


def test_a_job_that_is_due_later_says_in_how_long(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Due later. [[sim:never]]", options={"timeout_hours": 4})
    page = open_page("/queue?kind=advance&status=pending")
    row = page.get_by_role("row").filter(has_text=re.compile(r"in 3 h 5\d min"))
    expect(row.first).to_be_visible(timeout=20_000)
    page.goto(f"/orchestrations/{made}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel it").click()
    expect(page.locator(".page-head .badge")).to_have_text("Stopped", timeout=30_000)
