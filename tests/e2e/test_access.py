"""Who may come in, by hand: a person, a token that is shown once and works, and the log of it all."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from bench.stack import Stack
from tests.e2e.conftest import OpenPage
from tests.e2e.test_pages import cut_off, settle, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PASSWORD = "seven blue kettles sing"


def test_people_and_tokens_are_made_changed_and_written_down(open_page: OpenPage, stack: Stack) -> None:
    page = open_page("/settings/access")
    settle(page)
    heard: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    page.reload()
    settle(page)
    page.get_by_role("button", name="Add a person").click()
    page.get_by_label("E-mail").fill("bob@example.com")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Add them").click()
    expect(page.locator("#password-error")).to_contain_text("must have 12 to 200 characters")
    assert violations(page) + cut_off(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Add them").click()
    row = page.get_by_role("row").filter(has_text="bob@example.com")
    row.get_by_label("Role of bob@example.com").select_option("operator")
    expect(page.get_by_text("The role is now operator.")).to_be_visible()
    row.get_by_role("button", name="Shut out bob@example.com").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Shut out").click()
    expect(row.get_by_role("button", name="Let in bob@example.com")).to_be_visible()
    assert not any(PASSWORD in frame or "argon2" in frame for frame in heard), "a password goes in and never comes out"

    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("ci")
    page.get_by_role("button", name="Make it").click()
    shown = page.get_by_label("Your new token, shown this once")
    expect(shown).to_have_value(re.compile("^cm_"))
    token = shown.input_value()
    assert violations(page) + cut_off(page) == []
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{stack.url}/api/cloud-agents", headers=headers, trust_env=False) as http:
        assert http.get("/whoami").json() == {"kind": "token", "name": "local", "role": "viewer"}
        page.reload()
        settle(page)
        expect(shown).to_have_count(0)
        page.get_by_role("button", name="Revoke ci").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Revoke it").click()
        expect(page.get_by_role("row").filter(has_text="ci")).to_contain_text("revoked")
        assert http.get("/whoami").status_code == 401

    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Audit log").click()
    log = page.get_by_role("row").filter(has_text="token revoked")
    expect(log).to_contain_text("done")
    page.get_by_label("Part of an action").fill("user")
    expect(page.get_by_role("row").filter(has_text="user added")).to_contain_text("bob@example.com")
    expect(log).to_have_count(0)
