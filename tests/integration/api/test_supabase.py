"""Coming in with Supabase: who may, as what, and that nothing it gives ever reaches a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import Response

from cursor_monitor.api.sign_in_link import LinkCookie
from cursor_monitor.api.sign_in_page import Form, render
from cursor_monitor.domain.access import LOCAL, Role
from cursor_monitor.domain.errors import Invalid
from cursor_monitor.runtime.supabase_look import SupabaseWrong, look_at_supabase
from cursor_monitor.services import supabase_sign_in, users
from cursor_monitor.services.auth import ACCOUNT_TRIES, Visitor
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.startup import tuning_from
from cursor_monitor.services.tuning import tune
from cursor_monitor.settings import Settings
from tests.fakes.gotrue import ANON_KEY, FakeGoTrue, serving_gotrue
from tests.support.people import PASSWORD, add_person

from .client import Client
from .conftest import API, ask, client_of

EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def supabase_server() -> Iterator[FakeGoTrue]:
    with serving_gotrue() as made:
        yield made


@pytest.fixture
def project(supabase_server: FakeGoTrue, monkeypatch: pytest.MonkeyPatch) -> FakeGoTrue:
    monkeypatch.setattr(supabase_sign_in, "FACTS_SECONDS", -1.0)  # the clients outlive their project
    supabase_server.reset()
    return supabase_server


@pytest.fixture
def client(database: str, project: FakeGoTrue) -> Client:
    return client_of(
        auth_required=True,
        supabase_url=project.url,
        supabase_anon_key=ANON_KEY,
        supabase_admins=("root@example.com",),
        supabase_operators=("@example.com",),
        supabase_viewers=("guest@example.org", "root@example.com"),
    )


def by_password(client: Client, email: str = EMAIL, password: str = PASSWORD, **fields: str) -> httpx.Response:
    return client.post("/api/session/supabase", data={"email": email, "password": password, **fields})


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    kept = [v.partition(";")[0] for v in answer.headers.get_list("set-cookie") if "Max-Age=0" not in v]
    return {"Cookie": "; ".join(kept), "X-Requested-With": "test"}


def ask_link(client: Client, email: str = EMAIL, **fields: str) -> httpx.Response:
    return client.post("/api/session/link", data={"email": email, **fields})


def path_of(address: str) -> str:
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}" == "http://127.0.0.1:3000"
    return f"{parts.path}?{parts.query}"


def test_a_password_of_supabase_opens_a_session_of_our_own(client: Client, project: FakeGoTrue) -> None:
    project.add(EMAIL, PASSWORD)
    answer = by_password(client, next="/queue")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    assert "HttpOnly" in answer.headers["set-cookie"]
    who = client.get(f"{API}/whoami", headers=cookie_of(answer)).json()
    assert who == {"kind": "session", "name": EMAIL, "role": "operator"}
    [token] = project.given
    assert token not in str(answer.headers) + answer.text
    assert project.ended == ["local"], "what Supabase gave was given back"
    client.post("/api/session/end", headers=cookie_of(answer))
    assert client.get(f"{API}/whoami", headers=cookie_of(answer)).status_code == 401


def test_a_token_of_supabase_is_no_token_here(client: Client, project: FakeGoTrue) -> None:
    token = project.sign(project.add(EMAIL, PASSWORD), "password")
    assert client.get(f"{API}/whoami", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert client.get(f"{API}/whoami?access_token={token}").json()["error"]["code"] == "secret_in_url"


def test_a_link_opens_a_session_in_the_browser_that_asked_for_it_alone_and_once(
    client: Client, project: FakeGoTrue
) -> None:
    asked = ask_link(client, next="/agents?page=2")
    assert (asked.status_code, "is on its way" in asked.text) == (200, True)
    assert "HttpOnly" in asked.headers["set-cookie"]
    [link] = project.links
    path = path_of(project.click(link))
    other = client.get(path)
    assert other.headers["location"] == "/sign-in?link=stale#again"
    assert "does not work here" in client.get("/sign-in?link=stale").text
    foreign = ask_link(client, "guest@example.org")
    project.links.pop()
    assert client.get(path, headers=cookie_of(foreign)).status_code == 401
    path = path_of(project.click(link))
    answer = client.get(path, headers=cookie_of(asked))
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents?page=2")
    assert client.get(f"{API}/whoami", headers=cookie_of(answer)).json()["name"] == EMAIL
    assert client.get(path, headers=cookie_of(asked)).status_code == 401


def test_the_answer_to_who_may_not_come_in_is_the_same_and_nothing_is_sent(client: Client, project: FakeGoTrue) -> None:
    project.add("customer@shop.example")
    for email in ("customer@shop.example", "nobody@shop.example"):
        assert ask_link(client, email).text.replace(email, EMAIL) == ask_link(client).text
    assert {link.email for link in project.links} == {EMAIL}


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("root@example.com", "admin"),
        ("bob@example.com", "operator"),
        ("guest@example.org", "viewer"),
        ("eve@sub.example.com", None),
        ("eve@evil-example.com", None),
    ],
)
def test_the_configuration_says_who_may_come_in_and_as_what(
    client: Client, database: str, project: FakeGoTrue, email: str, role: str | None
) -> None:
    project.add(email, PASSWORD)
    answer = by_password(client, email)
    assert answer.status_code == (303 if role else 403)
    found = ask(database, "SELECT role, provider, password_hash FROM users")
    assert found == ([(role, "supabase", None)] if role else [])
    assert ask(database, "SELECT outcome FROM audit_log WHERE action = 'sign-in'") == [("done" if role else "refused",)]


def test_a_project_that_confirms_no_addresses_proves_none_by_password(client: Client, project: FakeGoTrue) -> None:
    project.autoconfirm = True
    project.add("boss@example.com", PASSWORD)
    refused = by_password(client, "boss@example.com")
    assert (refused.status_code, "has not seen that this address is yours" in refused.text) == (403, True)
    asked = ask_link(client, "boss@example.com")
    assert client.get(path_of(project.click(project.links[-1])), headers=cookie_of(asked)).status_code == 303
    assert by_password(client, "boss@example.com").status_code == 303, "the mailbox was opened once"


def test_an_account_of_this_server_is_not_opened_by_supabase(
    client: Client, database: str, project: FakeGoTrue
) -> None:
    person = add_person(database, Role.ADMIN, EMAIL)
    project.add(EMAIL, PASSWORD)
    answer = by_password(client)
    assert (answer.status_code, "has a password of this server" in answer.text) == (403, True)
    ask_link(client)
    assert project.links == []
    assert client.post("/api/session", data={"email": person.email, "password": PASSWORD}).status_code == 303


def test_somebody_added_without_a_password_comes_in_with_supabase(
    client: Client, database: str, project: FakeGoTrue
) -> None:
    admin = add_person(database, Role.ADMIN, "boss@example.org")
    body = {"email": "new@example.net", "role": "viewer"}
    refused = client.post(f"{API}/users", json=body, headers=admin.cookie)
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "password")
    tune(tuning_from(Settings(supabase_url=project.url, supabase_anon_key=ANON_KEY)))
    assert client.post(f"{API}/users", json=body, headers=admin.cookie).status_code == 201
    project.add("new@example.net", PASSWORD)
    answer = by_password(client, "new@example.net")
    assert client.get(f"{API}/whoami", headers=cookie_of(answer)).json()["role"] == "viewer"


def test_another_account_with_the_same_address_takes_nobodys_place(
    client: Client, database: str, project: FakeGoTrue
) -> None:
    project.add(EMAIL, PASSWORD)
    assert by_password(client).status_code == 303
    project.add(EMAIL, PASSWORD)  # deleted and made anew: another id
    assert by_password(client).status_code == 403
    [(user_id,)] = ask(database, "SELECT id FROM users")
    with acting_as(LOCAL):
        users.change_user(str(user_id), is_disabled=True)
        assert by_password(client).status_code == 403
        users.change_user(str(user_id), is_disabled=False)
    assert by_password(client).status_code == 303
    assert ask(database, "SELECT count(*) FROM users") == [(1,)]


def test_who_is_shut_out_here_stays_out_whatever_supabase_says(
    client: Client, database: str, project: FakeGoTrue
) -> None:
    project.add(EMAIL, PASSWORD)
    answer = by_password(client)
    [(user_id, is_short)] = ask(
        database,
        "SELECT user_id, expires_at < now() + interval '25 hours' FROM user_sessions",
    )
    assert is_short, "Supabase does not tell whom it shuts out: a session of it is short"
    with acting_as(LOCAL):
        users.change_user(str(user_id), is_disabled=True)
    assert client.get(f"{API}/whoami", headers=cookie_of(answer)).status_code == 401
    assert by_password(client).status_code == 403
    ask_link(client)
    assert project.links == []


def test_a_second_factor_is_not_left_out(client: Client, project: FakeGoTrue) -> None:
    project.add(EMAIL, PASSWORD, has_second_factor=True)
    answer = by_password(client)
    assert (answer.status_code, "second factor" in answer.text) == (403, True)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ((429, b"{}"), 429),
        ((500, b"<html>"), 503),
        ((302, b""), 503),
        ((200, b"<html>"), 503),
        ((200, b"[]"), 401),
        ((200, b'{"access_token": "x"}'), 401),
        ((200, b" " * 1_100_000), 503),
        ((400, b'{"error_code": "<script>"}'), 401),
    ],
)
def test_a_bad_day_of_supabase_lets_nobody_in(
    client: Client, project: FakeGoTrue, fault: tuple[int, bytes], status: int
) -> None:
    project.add(EMAIL, PASSWORD)
    project.fault = fault
    answer = by_password(client)
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
    assert "<script>" not in answer.text
    assert f'value="{EMAIL}"' in answer.text, "what was typed is still there"


def test_a_token_that_cannot_be_trusted_lets_nobody_in(client: Client, project: FakeGoTrue) -> None:
    project.add(EMAIL, PASSWORD)
    project.claims = {"iss": "https://evil.example/auth/v1"}
    assert by_password(client).status_code == 401


def test_tries_are_limited_before_supabase_is_asked(client: Client, project: FakeGoTrue) -> None:
    project.add(EMAIL, PASSWORD)
    statuses = [by_password(client, password="wrong").status_code for _ in range(ACCOUNT_TRIES + 2)]
    assert statuses == [401] * ACCOUNT_TRIES + [429] * 2
    assert project.asked.count("POST /auth/v1/token") == ACCOUNT_TRIES
    assert ask_link(client).status_code == 429


def test_where_supabase_is_not_configured_there_is_nothing_of_it(database: str) -> None:
    plain = client_of(auth_required=True)
    assert "Supabase" not in plain.get("/sign-in").text
    assert by_password(plain).status_code == 404
    assert plain.get("/sign-in/link?code=x").status_code == 404


def test_where_the_configuration_names_an_administrator_no_first_visit_makes_one(
    client: Client, project: FakeGoTrue
) -> None:
    page = client.get("/sign-in").text
    assert ("Sign in with Supabase" in page, "Create the administrator" in page) == (True, False)
    form = {"email": "eve@example.com", "name": "Eve", "password": PASSWORD}
    assert client.post("/api/session/first", data=form).status_code == 409
    project.add("root@example.com", PASSWORD)
    headers = cookie_of(by_password(client, "root@example.com"))
    assert client.get(f"{API}/whoami", headers=headers).json()["role"] == "admin"


def test_of_many_first_visits_of_one_person_at_once_one_person_is_made(
    client: Client, database: str, project: FakeGoTrue
) -> None:
    project.add(EMAIL, PASSWORD)

    async def all_at_once() -> list[int]:
        visits = [asyncio.to_thread(by_password, client) for _ in range(4)]
        return [answer.status_code for answer in await asyncio.gather(*visits)]

    assert asyncio.run(all_at_once()) == [303] * 4
    assert ask(database, "SELECT count(*) FROM users") == [(1,)]


def test_a_link_leads_where_the_configuration_says_and_is_not_offered_where_it_says_nothing(
    database: str, project: FakeGoTrue
) -> None:
    known = {"supabase_url": project.url, "supabase_anon_key": ANON_KEY, "supabase_viewers": (EMAIL,)}
    nameless = supabase_sign_in.build_supabase(Settings(host="0.0.0.0", **known))
    assert nameless is not None
    with pytest.raises(Invalid, match="PUBLIC_URL"):
        nameless.ask_link(EMAIL, "v" * 64, Visitor())
    assert (
        "a link" in render(Form(has_supabase=True)),
        "a link" in render(Form(has_supabase=True, has_links=True)),
    ) == (
        False,
        True,
    )
    named = supabase_sign_in.build_supabase(Settings(host="0.0.0.0", public_url="https://monitor.example", **known))
    assert named is not None
    named.ask_link(EMAIL, "v" * 64, Visitor())()
    assert project.links[-1].redirect_to == "https://monitor.example/sign-in/link"
    response = Response()
    LinkCookie(is_secure=True).give(response, "v", "/")
    assert response.headers["set-cookie"].startswith("__Host-cursor_monitor_link=v.%2F; HttpOnly;")
    assert "; Secure" in response.headers["set-cookie"]


def test_doctor_says_what_is_wrong_with_the_project(project: FakeGoTrue) -> None:
    known = Settings(supabase_url=project.url, supabase_anon_key=ANON_KEY, supabase_viewers=(EMAIL,))
    assert "2 signing keys; 1 entries say who may come in" in look_at_supabase(known)
    project.autoconfirm = True
    with pytest.raises(SupabaseWrong, match="confirms no addresses"):
        look_at_supabase(known)
    project.keys = []
    with pytest.raises(SupabaseWrong, match="legacy secret"):
        look_at_supabase(known)
    with pytest.raises(SupabaseWrong, match="refuses"):
        look_at_supabase(Settings(supabase_url=project.url, supabase_anon_key="other"))
