"""Each mode from the form to the proof of quality, in a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Api, OpenPage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Case:
    """What is chosen in the form, and how many tasks and agents come of it."""

    mode: str
    prompt: str
    tasks: int
    agents: int
    written: tuple[str, ...] = ()
    after: str = ""
    best_of: str = ""
    kept: str = ""


CASES = {
    "single": Case("Single agent", "Mode single.", 1, 1),
    "pipeline": Case("Pipeline", "Mode pipeline.", 2, 2, ("Do one.", "Do two.")),
    "batch": Case("Batch", "Mode batch.", 2, 2, ("Do one.", "Do two.")),
    "structured": Case("Auto", "Mode structured.\n\n1. Model\n2. Pages\n", 2, 2),
    "best of": Case(
        "Single agent", "Mode best. [[sim:confidence:0.2,0.9]]", 3, 2, best_of="2", kept="quality 98, against"
    ),
    "planner": Case("Auto", "Mode planner. [[sim:plan:independent]]", 4, 5),
    "tasks": Case("Auto", "Mode tasks.", 2, 2, ("Do one.", "Do two."), after="1"),
}


def fill(page: Page, case: Case) -> str:
    """Fill the form and press Launch; returns the new id."""
    page.get_by_label("Repository").fill("acme/web")
    mode = page.get_by_label(re.compile(f"^{case.mode}"))
    mode.click()
    expect(mode).to_be_checked()
    page.get_by_label("What is to be done").fill(case.prompt)
    if case.mode != "Single agent":
        box = page.get_by_label(re.compile("^I write the tasks"))
        if box.is_checked() != bool(case.written):
            box.click()
            expect(box).to_be_checked(checked=bool(case.written))
    for number, text in enumerate(case.written, 1):
        page.get_by_label(f"Prompt of Task {number}", exact=True).fill(text)
    if case.after:
        page.get_by_label("Task 2 waits for").fill(case.after)
    if case.best_of:
        page.get_by_text("Model, limits and name").click()
        page.get_by_label("Candidates per task").fill(case.best_of)
        expect(page.get_by_label("Plan preview")).to_contain_text(f"{case.best_of} agents")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url(re.compile(r"/orchestrations/[0-9a-f-]{36}"))
    return page.url.partition("?")[0].rstrip("/").rpartition("/")[2]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mode_from_the_form_to_the_proof(case: Case, open_page: OpenPage, api: Api) -> None:
    page = open_page("/orchestrations/new")
    made = fill(page, case)
    expect(page.locator(".page-head .badge")).to_have_text("Completed", timeout=60_000)
    if case.kept:
        expect(page.get_by_role("list", name="Tasks")).to_contain_text(case.kept)
    page.get_by_role("link", name="Proof of quality").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Proof of quality")
    done = page.get_by_label("What was planned and done")
    headings = done.get_by_role("heading", level=3)
    expect(headings).to_have_count(case.tasks + (case.agents > case.tasks))
    expect(done.locator(".agent-proof")).to_have_count(case.agents)
    expect(done.get_by_text(re.compile(r"\d+ of \d+ passed")).first).to_be_visible()
    expect(page.get_by_role("list", name="Decisions")).to_contain_text("Ended: completed.")
    expect(page.get_by_label("What was asked")).to_contain_text(case.prompt.splitlines()[0])
    expect(page.get_by_label("At what cost")).to_contain_text(str(case.agents))
    text = page.request.get(page.get_by_role("link", name="Markdown").get_attribute("href") or "").text()
    assert text.startswith("# Proof of quality")
    assert text.count("\n#### Agent") == case.agents
    ledger = api.ledger(case.prompt.splitlines()[0])
    if case.mode != "Auto":
        assert [(agent["create_calls"], len(agent["runs"])) for agent in ledger] == [(1, 1)] * case.agents
    assert {agent["id"] for agent in ledger} <= api.agents_named_in(made)


def test_any_moment_can_be_looked_at_linked_and_left(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Travelled.")
    api.wait_for(made, "completed")
    page = open_page(f"/orchestrations/{made}?at=2")
    head = page.locator(".page-head .badge")
    expect(head).to_have_text("Queued")
    expect(page.locator(".travel")).to_contain_text("as of event 2 of")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    slider = page.get_by_label("As of event")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_url(re.compile(r"at=3"))
    expect(head).to_have_text("Running")
    page.get_by_role("link", name="Timeline").click()
    page.wait_for_url(re.compile(r"tab=timeline&at=3"))
    expect(page.get_by_role("list", name="Events").get_by_role("listitem")).to_have_count(3)
    page.get_by_role("link", name="Back to now").click()
    expect(head).to_have_text("Completed")
    expect(page.locator(".travel")).to_contain_text("now")


def test_an_agent_that_goes_in_circles_is_seen_and_helped(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Circling. [[sim:loop:1]]")
    page = open_page(f"/orchestrations/{made}?tab=timeline")
    timeline = page.get_by_role("list", name="Events")
    expect(timeline).to_contain_text("did the same with the same result", timeout=60_000)
    expect(page.locator(".page-head .badge")).to_have_text("Completed", timeout=60_000)
    expect(timeline).to_contain_text("(unstick)")
    assert [len(agent["runs"]) for agent in api.ledger("Circling.")] == [2]


def test_candidates_are_asked_for_in_the_plan_and_one_is_kept_by_hand(open_page: OpenPage, api: Api) -> None:
    made = api.launch(prompt="Chosen by hand.", options={"require_approval": True, "choose_by_hand": True})
    api.wait_for(made, "waiting")
    page = open_page(f"/orchestrations/{made}")
    page.get_by_role("button", name="Edit the plan").click()
    page.get_by_label("Candidates of task 1", exact=True).fill("99")
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_role("alert").first).to_contain_text("best_of")
    page.get_by_label("Candidates of task 1", exact=True).fill("")
    page.get_by_label("Models of the candidates of task 1").fill("composer-2, gpt-5.5")
    page.get_by_role("button", name="Save the plan").click()
    tasks = page.get_by_role("list", name="Tasks").get_by_role("listitem")
    expect(tasks).to_have_count(3)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("button", name="Keep")).to_have_count(2, timeout=60_000)
    assert api.get(f"/orchestrations/{made}")["status"] == "waiting"
    page.get_by_role("button", name="Keep task-1.2").click()
    expect(page.locator(".page-head .badge")).to_have_text("Completed", timeout=30_000)
    expect(page.get_by_role("list", name="Tasks")).to_contain_text("chosen by")
    paid = api.ledger("Chosen by hand.")
    assert [(agent["create_calls"], len(agent["runs"])) for agent in paid] == [(1, 1)] * 2
