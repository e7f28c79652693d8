"""Who may come in: setting up, signing in and out, roles, tokens, and what is written down about it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cursor_monitor.domain.access import LOCAL, Role
from cursor_monitor.services import users
from cursor_monitor.services.auth import ACCOUNT_TRIES, ADDRESS_TRIES
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.identities import forget_identities
from tests.support.people import PASSWORD, add_person, bearer

from .asgi import Exchange
from .client import Client
from .conftest import API, LAUNCH, ask, client_of, edge_app

ADMIN = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def closed(database: str) -> Client:
    return client_of(auth_required=True)


def cookie_of(answer: Any) -> dict[str, str]:
    """The headers of the next request of this browser."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0], "X-Requested-With": "test"}


def test_the_first_visit_creates_the_administrator_who_is_then_signed_in(closed: Client) -> None:
    page = closed.get("/sign-in?next=/queue%3Fstatus%3Dfailed")
    assert page.status_code == 200
    assert "Create the administrator" in page.text
    assert "script" not in page.headers["content-security-policy"].replace("default-src 'none'", "")
    made = closed.post("/api/session/first", data={**ADMIN, "next": "/queue?status=failed"})
    assert (made.status_code, made.headers["location"]) == (303, "/queue?status=failed")
    assert re.search(r"HttpOnly; Max-Age=\d+; Path=/; SameSite=lax$", made.headers["set-cookie"], re.IGNORECASE)
    who = closed.get(f"{API}/whoami", headers=cookie_of(made)).json()
    assert who == {"kind": "session", "name": "ada@example.com", "role": "admin"}
    again = closed.post("/api/session/first", data={**ADMIN, "email": "eve@example.com"})
    assert again.status_code == 409
    assert "Sign in" in closed.get("/sign-in").text


def test_of_many_first_visits_at_once_one_wins(closed: Client, database: str) -> None:
    def visit(number: int) -> int:
        return closed.post("/api/session/first", data={**ADMIN, "email": f"p{number}@example.com"}).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(visit, range(4)))
    assert sorted(statuses) == [303, 409, 409, 409]
    assert ask(database, "SELECT count(*), max(role) FROM users") == [(1, "admin")]


def test_the_cookie_goes_over_tls_alone_where_there_is_tls(database: str) -> None:
    client = client_of(host="0.0.0.0", public_url="https://monitor.example")
    made = client.post("/api/session/first", data=ADMIN, headers={"Origin": "http://localhost:3000"})
    assert made.headers["set-cookie"].startswith("__Host-cursor_monitor_session=")
    assert "; Secure" in made.headers["set-cookie"]


def test_the_administrator_of_the_configuration_leaves_nothing_to_the_first_visit(database: str) -> None:
    client = client_of(auth_required=True, admin_email="ada@example.com", admin_password=PASSWORD)
    assert client.post("/api/session/first", data={**ADMIN, "email": "eve@example.com"}).status_code == 409
    assert "Create" not in client.get("/sign-in").text
    assert client.post("/api/session", data=ADMIN).status_code == 303


def test_signing_in_and_out(closed: Client, database: str) -> None:
    person = add_person(database, Role.VIEWER)
    wrong = closed.post("/api/session", data={"email": person.email, "password": "not this one, no"})
    unknown = closed.post("/api/session", data={"email": "nobody@example.com", "password": "not this one, no"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    text = 'role="alert">The e-mail address or the password is not right.'
    assert text in wrong.text
    assert text in unknown.text
    right = closed.post("/api/session", data={"email": " Viewer@Example.com", "password": PASSWORD})
    cookie = cookie_of(right)
    assert closed.get(f"{API}/orchestrations", headers=cookie).status_code == 200
    out = closed.post("/api/session/end", headers=cookie)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert closed.get(f"{API}/orchestrations", headers=cookie).status_code == 401
    kept = ask(database, "SELECT actor, action, outcome FROM audit_log ORDER BY id")
    assert ("viewer@example.com", "sign-in", "refused") in kept
    assert ("unknown", "sign-in", "refused") in kept
    assert kept[-1] == ("viewer@example.com", "sign-out", "done")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/api/x"]
)
def test_signing_in_leads_to_no_foreign_address(closed: Client, database: str, target: str) -> None:
    person = add_person(database, Role.VIEWER)
    answer = closed.post("/api/session", data={"email": person.email, "password": PASSWORD, "next": target})
    assert answer.headers["location"] == "/"


def test_a_page_of_another_site_signs_nobody_in_or_out(closed: Client, database: str) -> None:
    person = add_person(database, Role.VIEWER)
    foreign = {**person.cookie, "Origin": "https://evil.example"}
    form = {"email": person.email, "password": PASSWORD}
    for path in ("/api/session", "/api/session/first", "/api/session/end"):
        assert closed.post(path, data=form, headers=foreign).json()["error"]["code"] == "foreign_origin"
    assert closed.get(f"{API}/whoami", headers=person.cookie).status_code == 200


def test_pages_send_strangers_to_sign_in_and_show_their_scripts_to_all(closed: Client) -> None:
    answer = closed.get("/orchestrations/x?tab=tasks")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/orchestrations/x%3Ftab%3Dtasks")
    assert closed.get("/assets/index.js").status_code == 404  # there is none here, but nobody is turned away
    assert closed.get("/api/openapi.json").status_code == 200


def test_what_only_some_may_see_is_kept_by_no_browser(closed: Client, database: str) -> None:
    page = closed.get("/queue", headers=add_person(database, Role.VIEWER).cookie)
    assert (page.status_code, page.headers["cache-control"]) == (404, "no-store")  # there are no pages here


@pytest.mark.parametrize("role", list(Role))
def test_a_change_with_a_cookie_needs_a_header_that_no_form_can_send(closed: Client, database: str, role: Role) -> None:
    person = add_person(database, role)
    bare = {"Cookie": person.cookie["Cookie"]}
    refused = closed.post(f"{API}/tokens", json={"name": "x", "role": "viewer"}, headers=bare)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf_header_missing")
    assert closed.post(f"{API}/tokens", json={"name": "x", "role": "viewer"}, headers=person.cookie).status_code == 201


def test_a_token_is_shown_once_kept_as_a_hash_and_ends(closed: Client, database: str) -> None:
    person = add_person(database, Role.OPERATOR)
    made = closed.post(f"{API}/tokens", json={"name": "ci", "role": "operator"}, headers=person.cookie).json()
    token = {"Authorization": f"Bearer {made['token']}"}
    assert closed.get(f"{API}/whoami", headers=token).json()["role"] == "operator"
    assert made["token"] not in str(ask(database, "SELECT * FROM api_tokens")) + str(ask(database, "TABLE audit_log"))
    [listed] = closed.get(f"{API}/tokens", headers=person.cookie).json()["items"]
    assert listed["prefix"] == made["token"][:10]
    assert closed.delete(f"{API}/tokens/{made['id']}", headers=person.cookie).status_code == 204
    assert closed.get(f"{API}/whoami", headers=token).status_code == 401


def test_a_token_does_no_more_than_its_owner_and_ends_with_them(closed: Client, database: str) -> None:
    person = add_person(database, Role.OPERATOR)
    more = closed.post(f"{API}/tokens", json={"name": "x", "role": "admin"}, headers=person.cookie)
    assert (more.status_code, more.json()["error"]["code"]) == (403, "forbidden")
    made = closed.post(f"{API}/tokens", json={"name": "x", "role": "operator"}, headers=person.cookie).json()
    token = {"Authorization": f"Bearer {made['token']}"}
    admin = bearer(Role.ADMIN)
    closed.post(f"{API}/users/{person.id}", json={"role": "viewer"}, headers=admin)
    assert closed.get(f"{API}/whoami", headers=token).json()["role"] == "viewer"
    closed.post(f"{API}/users/{person.id}", json={"is_disabled": True}, headers=admin)
    assert closed.get(f"{API}/whoami", headers=token).status_code == 401
    assert closed.get(f"{API}/whoami", headers=person.cookie).status_code == 401


def test_what_is_over_opens_nothing(closed: Client, database: str) -> None:
    person, token = add_person(database, Role.ADMIN), bearer(Role.ADMIN)
    ask(database, "UPDATE api_tokens SET expires_at = now() RETURNING id")
    ask(database, "UPDATE user_sessions SET expires_at = now() RETURNING id")
    for headers in (
        token,
        person.cookie,
        {"Authorization": "Basic YWRhOng="},
        {"Authorization": "Bearer cm_" + "x" * 43},
    ):
        assert closed.get(f"{API}/whoami", headers=headers).status_code == 401
    forget_identities()
    ask(
        database,
        "UPDATE user_sessions SET expires_at = 'infinity', seen_at = now() - interval '8 days' RETURNING id",
    )
    assert closed.get(f"{API}/whoami", headers=person.cookie).status_code == 401


@pytest.mark.parametrize("name", ["token", "access_token", "API_KEY", "authorization"])
def test_a_secret_in_an_address_is_refused_also_where_nobody_signs_in(client: Client, name: str) -> None:
    answer = client.get(f"{API}/orchestrations?{name}=cm_secret")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "secret_in_url")
    assert "cm_secret" not in answer.text


def test_the_last_administrator_stays(closed: Client, database: str) -> None:
    person = add_person(database, Role.ADMIN)
    for body in ({"role": "viewer"}, {"is_disabled": True}):
        answer = closed.post(f"{API}/users/{person.id}", json=body, headers=person.cookie)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last_admin")


def test_an_administrator_adds_somebody_and_gives_a_new_password(closed: Client, database: str) -> None:
    admin = add_person(database, Role.ADMIN)
    body = {"email": "Bob@example.com", "role": "viewer", "password": PASSWORD}
    made = closed.post(f"{API}/users", json=body, headers=admin.cookie)
    assert made.status_code == 201
    assert closed.post(f"{API}/users", json=body, headers=admin.cookie).json()["error"]["code"] == "user_exists"
    weak = closed.post(
        f"{API}/users", json={**body, "email": "c@example.com", "password": "short"}, headers=admin.cookie
    )
    assert weak.json()["error"]["message"].startswith("password: must have 12 to 200 characters")
    bob = cookie_of(closed.post("/api/session", data={"email": "bob@example.com", "password": PASSWORD}))
    path = f"{API}/users/{made.json()['id']}/password"
    assert closed.post(path, json={"password": "eleven green lamps hum"}, headers=admin.cookie).status_code == 204
    assert closed.get(f"{API}/whoami", headers=bob).status_code == 401
    listed = closed.get(f"{API}/users", headers=admin.cookie)
    assert "argon2" not in listed.text
    assert [user["email"] for user in listed.json()["items"]] == ["admin@example.com", "bob@example.com"]


def test_people_manage_their_own_sessions_alone(closed: Client, database: str) -> None:
    ada, bob = add_person(database, Role.OPERATOR), add_person(database, Role.VIEWER)
    [own] = closed.get(f"{API}/sessions", headers=bob.cookie).json()["items"]
    assert own["is_this"]
    [others] = closed.get(f"{API}/sessions", headers=ada.cookie).json()["items"]
    assert closed.delete(f"{API}/sessions/{others['id']}", headers=bob.cookie).status_code == 404
    assert closed.delete(f"{API}/sessions/{others['id']}", headers=ada.cookie).status_code == 204
    assert closed.get(f"{API}/whoami", headers=ada.cookie).status_code == 401


def test_changes_carry_the_name_of_who_made_them_and_refusals_are_noted(closed: Client, database: str) -> None:
    operator, viewer = add_person(database, Role.OPERATOR), add_person(database, Role.VIEWER)
    made = closed.post(f"{API}/orchestrations", json=LAUNCH, headers=operator.cookie).json()["id"]
    closed.post(f"{API}/orchestrations/{made}/pause", headers=operator.cookie)
    closed.post(f"{API}/orchestrations/{made}/cancel", headers=viewer.cookie)
    events = closed.get(f"{API}/orchestrations/{made}/events", headers=viewer.cookie).json()["items"]
    assert {event["payload"]["by"] for event in events if "by" in event["payload"]} == {"operator@example.com"}
    kept = ask(database, "SELECT actor, action, subject, outcome FROM audit_log WHERE action LIKE 'POST%' ORDER BY id")
    assert kept == [
        ("operator@example.com", "POST orchestrations", "orchestrations", "done"),
        ("operator@example.com", "POST orchestrations pause", f"orchestrations/{made}/pause", "done"),
        ("viewer@example.com", "POST orchestrations cancel", f"orchestrations/{made}/cancel", "refused"),
    ]
    admin = bearer(Role.ADMIN)
    listed = closed.get(f"{API}/audit?outcome=refused&limit=1", headers=admin).json()["items"]
    assert [entry["actor"] for entry in listed] == ["viewer@example.com"]
    assert closed.get(f"{API}/audit", headers=viewer.cookie).status_code == 403


def test_the_audit_log_cannot_be_changed(closed: Client, database: str) -> None:
    add_person(database, Role.VIEWER)
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(Exception, match="append-only"):
            ask(database, statement)


def test_a_flood_of_tries_lets_nobody_in_and_leaves_the_others_served(database: str) -> None:
    client = client_of(auth_required=True, trusted_proxy_hops=1)
    person = add_person(database, Role.VIEWER)

    def attempt(number: int) -> int:
        # The right password comes among the wrong ones, too late.
        password = PASSWORD if number > ACCOUNT_TRIES + 5 else f"wrong guess {number}"
        headers = {"X-Forwarded-For": f"1.2.3.4, 203.0.113.{number}"}
        return client.post(
            "/api/session", data={"email": person.email, "password": password}, headers=headers
        ).status_code

    statuses = [attempt(number) for number in range(40)]
    assert statuses[:ACCOUNT_TRIES] == [401] * ACCOUNT_TRIES
    assert set(statuses[ACCOUNT_TRIES:]) == {429}
    assert client.get(f"{API}/whoami", headers=person.cookie).status_code == 200


def test_one_address_cannot_try_many_accounts(closed: Client, database: str) -> None:
    key, tries = "address:127.0.0.1", ADDRESS_TRIES
    ask(database, f"INSERT INTO sign_in_limits VALUES ('{key}', {tries}, now() + interval '5 minutes') RETURNING key")
    person = add_person(database, Role.VIEWER)
    answer = closed.post("/api/session", data={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 300
    ask(database, "UPDATE sign_in_limits SET resets_at = now() RETURNING key")
    assert closed.post("/api/session", data={"email": person.email, "password": PASSWORD}).status_code == 303


def test_a_password_given_anew_lets_a_locked_account_in(closed: Client, database: str) -> None:
    person = add_person(database, Role.VIEWER)
    with acting_as(LOCAL):
        for _ in range(ACCOUNT_TRIES + 1):
            closed.post("/api/session", data={"email": person.email, "password": "x"})
        users.reset_password(person.id, "eleven green lamps hum")
    form = {"email": person.email, "password": "eleven green lamps hum"}
    assert closed.post("/api/session", data=form).status_code == 303


async def test_a_stream_ends_with_the_right_to_read_it(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cursor_monitor.api.gate.RECHECK_SECONDS", 0.0)
    from cursor_monitor.services import orchestrations

    made = orchestrations.launch(LAUNCH, by="test")
    path = f"{API}/orchestrations/{made}/events/stream"
    async with Exchange(edge_app(auth_required=True), "GET", path, bearer(Role.VIEWER)) as exchange:
        exchange.send_body()
        assert (await exchange.receive())["status"] == 200
        assert "retry:" in await exchange.next_block()
        ask(database, "UPDATE api_tokens SET revoked_at = now() RETURNING id")
        forget_identities()
        while (await exchange.receive()).get("more_body"):
            pass


async def test_a_websocket_needs_a_session_and_a_page_of_ours(database: str) -> None:
    person = add_person(database, Role.VIEWER)
    app = edge_app(auth_required=True)
    foreign = {"cookie": person.cookie["Cookie"], "origin": "https://evil.example"}
    for headers in ({}, foreign, {"cookie": "cursor_monitor_session=" + "x" * 43}):
        async with Exchange(app, "GET", "/_event", headers, kind="websocket") as exchange:
            exchange.send({"type": "websocket.connect"})
            assert (await exchange.receive())["code"] == 1008
