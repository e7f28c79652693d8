"""The page of who may come in, as people of each role use it: what they see, and what becomes of what they type."""

from __future__ import annotations

import pickle
from typing import Any

from cursor_monitor.domain.access import Actor, ActorKind, Role
from cursor_monitor.services import auth, users
from cursor_monitor.services.auth import Visitor
from cursor_monitor.services.caller import acting_as
from cursor_monitor.services.identities import identify_token
from cursor_monitor.state.access import AccessState
from tests.support.people import PASSWORD, Person, add_person

NEW = "eleven green lamps hum"


def page_of(person: Person) -> tuple[AccessState, Actor]:
    """The state of a tab in which somebody has the page open."""
    state = AccessState(_reflex_internal_init=True)  # pyright: ignore[reportCallIssue]
    return state, Actor(ActorKind.SESSION, person.email, person.role, person.id, None)


async def send(state: AccessState, handler: str, form: dict[str, Any]) -> None:
    async for _ in getattr(AccessState, handler).fn(state, form):
        pass


def look(state: AccessState) -> None:
    state._show(state._query()())


async def test_each_sees_their_own_and_an_administrator_everybodys(database: str) -> None:
    viewer, admin = add_person(database, Role.VIEWER), add_person(database, Role.ADMIN)
    state, actor = page_of(viewer)
    with acting_as(actor):
        look(state)
        assert (state.people, [row.email for row in state.sessions]) == ([], [viewer.email])
    state, actor = page_of(admin)
    with acting_as(actor):
        look(state)
        assert [row.email for row in state.people] == [admin.email, viewer.email]
        assert {row.email for row in state.sessions} == {admin.email, viewer.email}
        state.open_form("reset", viewer.id)
        await send(state, "reset_password", {"password": "short"})
        assert (state.form, "password" in state.errors) == ("reset", True)
        await send(state, "reset_password", {"password": NEW})
        assert (state.form, state.done) == ("", f"{viewer.email} has the new password, and is signed out everywhere.")
    assert auth.sign_in(viewer.email, NEW, Visitor())


async def test_a_token_is_kept_with_the_tab_nowhere_and_made_with_limits(database: str) -> None:
    state, actor = page_of(add_person(database, Role.OPERATOR))
    with acting_as(actor):
        state.open_form("token", "")
        await send(state, "make_token", {"name": "ci", "role": "operator", "days": "many"})
        assert (state.errors, state.new_token) == ({"days": "must be from 1 to 365"}, "")
        await send(state, "make_token", {"name": "ci", "role": "admin", "days": None})
        assert state.notice == "This needs the role admin; yours is operator."
        await send(state, "make_token", {"name": "ci", "role": "viewer", "days": ""})
        assert identify_token(state.new_token) is not None
        assert state.new_token.encode() not in pickle.dumps(state)
        look(state)
        [row] = state.tokens
        await AccessState.revoke_token.fn(state, row.id)  # pyright: ignore[reportFunctionMemberAccess]
        assert identify_token(state.new_token) is None


async def test_ones_own_password_is_changed_with_the_old_one(database: str) -> None:
    with acting_as(Actor(ActorKind.LOCAL, "local", Role.ADMIN)):
        made = users.add_user("bob@example.com", "Bob", "viewer", PASSWORD)
    state, actor = page_of(Person(made, "bob@example.com", Role.VIEWER, ""))
    with acting_as(actor):
        state.open_form("password", "")
        await send(state, "change_password", {"old_password": "not this one, no", "new_password": NEW})
        assert state.errors == {"old_password": "is not right"}
        await send(state, "change_password", {"old_password": PASSWORD, "new_password": NEW})
        assert state.done == "The password is changed; sign in with it."
    assert auth.sign_in("bob@example.com", NEW, Visitor())
