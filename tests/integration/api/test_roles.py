"""No hole: every route without credentials, as each role and from a foreign page; what is open is named here again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from cursor_monitor.api import build_api
from cursor_monitor.api.permissions import role_for
from cursor_monitor.domain.access import Role
from tests.support.people import add_person, bearer

from .client import Client
from .conftest import API, client_of

# Said a second time on purpose: who opens a route has to say so twice.
PUBLIC = {("GET", f"{API}/health"), ("POST", f"{API}/webhook"), ("GET", "/api/docs")}
OWN = {
    ("POST", f"{API}/password"),
    ("DELETE", f"{API}/sessions/{{session_id}}"),
    ("POST", f"{API}/tokens"),
    ("DELETE", f"{API}/tokens/{{token_id}}"),
    ("POST", f"{API}/views"),
    ("PUT", f"{API}/views/{{view_id}}"),
    ("DELETE", f"{API}/views/{{view_id}}"),
}
FOR_ADMINS = re.compile(f"{API}/(users|audit|accounts|notifications)(/|$)")
ALSO_READ_BY_ALL = re.compile(f"{API}/(accounts|notifications)(/|$)")


def _routes() -> Iterator[tuple[str, str]]:
    for item, operations in build_api().openapi()["paths"].items():
        for method in operations:
            yield method.upper(), f"/api{item}"


ROUTES = sorted(set(_routes()))


def _expected(method: str, path: str) -> Role | None:
    if (method, path) in PUBLIC:
        return None
    is_reading = method == "GET"
    if FOR_ADMINS.match(path) and not (is_reading and ALSO_READ_BY_ALL.match(path)):
        return Role.ADMIN
    return Role.VIEWER if is_reading or (method, path) in OWN else Role.OPERATOR


def test_every_route_of_the_program_is_in_the_table() -> None:
    """Also those that the document leaves out."""
    hidden = {f"/api{r.path}" for r in build_api().routes if isinstance(r, APIRoute) and not r.include_in_schema}
    assert hidden == {"/api/docs"}
    assert len(ROUTES) > 50


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{m} {p}" for m, p in ROUTES])
def test_each_route_asks_for_the_role_that_is_expected(method: str, path: str) -> None:
    assert role_for(method, path) == _expected(method, path)


def test_no_route_lets_in_who_may_not(database: str) -> None:
    client = client_of(auth_required=True)
    tokens = {role: bearer(role) for role in Role}
    person = add_person(database, Role.ADMIN)
    foreign = {**person.cookie, "Origin": "https://evil.example"}
    for method, path in ROUTES:
        # The stream has no end; who may read it is tried without reading.
        concrete = re.sub(r"\{[^}]+\}", "nothing", path)
        needed = _expected(method, path)
        said = _try(client, method, concrete, {})
        assert said == ("let in" if needed is None else "unknown"), (method, path)
        if method != "GET":
            assert _try(client, method, concrete, foreign) == "refused", (method, path)
        for role, headers in tokens.items():
            is_let_in = needed is None or role.includes(needed)
            assert _try(client, method, concrete, headers) == ("let in" if is_let_in else "refused"), (method, path)


def _try(client: Client, method: str, path: str, headers: dict[str, str]) -> str:
    answer = client.request(method, path, headers=headers)
    code = (
        answer.json()["error"]["code"] if "json" in answer.headers.get("content-type", "") and answer.is_error else ""
    )
    if answer.status_code == 401 and code == "unauthorized":
        return "unknown"
    return "refused" if code in ("forbidden", "foreign_origin", "csrf_header_missing") else "let in"
