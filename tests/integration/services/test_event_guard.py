"""Every event handler of the pages, called over the socket by nobody, by a forged session and by each role."""

from __future__ import annotations

from collections.abc import Iterator

from reflex.event import Event
from reflex.state import BaseState, State, StateUpdate
from reflex_base.utils.format import format_event_handler

from cursor_monitor import cursor_monitor
from cursor_monitor.domain.access import Role
from cursor_monitor.services.caller import caller_name
from cursor_monitor.services.identities import forget_identities
from cursor_monitor.state.guard import EventGuard
from cursor_monitor.state.orchestrations import OrchestrationsState
from cursor_monitor.state.permissions import role_for_event, short_name
from cursor_monitor.state.shell import ShellState
from tests.support.people import Person, add_person
from tests.support.postgres import ask

GUARD = EventGuard(is_closed=True)
STOP = "reflex___state____state.cursor_monitor___state___agent____agent_state.stop"
# Said a second time on purpose: a handler that changes something must not become a viewer's by oversight.
CHANGING = {
    "access_state.add_user",
    "access_state.reset_password",
    "access_state.set_disabled",
    "access_state.set_role",
    "agent_acts_state.delete",
    "agent_acts_state.send",
    "agent_state.stop",
    "agents_state.confirm_bulk",
    "new_agent_state.submit",
    "new_orchestration_state.submit",
    "orchestration_state.control",
    "orchestration_state.control_task",
    "orchestration_state.send_followup",
    "orchestration_state.set_budget",
    "plan_edit_state.save",
    "queue_state.act",
}


def events() -> list[str]:
    """The full names of all handlers, the framework's and the inherited ones too."""

    def walk(kind: type[BaseState]) -> Iterator[type[BaseState]]:
        yield kind
        for sub in kind.get_substates():
            yield from walk(kind.get_class_substate((sub,)) if isinstance(sub, str) else sub)

    return sorted({format_event_handler(h) for kind in walk(State) for h in kind.event_handlers.values()})


def tab_of(person: Person | None) -> State:
    """A tab of a browser, as the server keeps it."""
    root = State(_reflex_internal_init=True)  # pyright: ignore[reportCallIssue]
    look_from(root, person)
    return root


def look_from(root: State, person: Person | None, path: str = "/agents/x") -> None:
    headers = {"host": "localhost:3000", "origin": "http://localhost:3000"}
    if person is not None:
        headers["cookie"] = person.cookie["Cookie"]
    given = {"headers": headers, "ip": "10.1.1.1", "pathname": path, "path": path, "asPath": path}
    root.router_data = root._update_router_vars(given, {})


async def ask_guard(root: State, event: str) -> StateUpdate | None:
    return await GUARD.preprocess(cursor_monitor.app, root, Event(name=event, payload={}))


def is_sent_away(update: StateUpdate | None) -> bool:
    return update is not None and "reload" in str(update.events) and not update.delta


def test_the_guard_looks_at_events_before_anything_else_does() -> None:
    assert isinstance(cursor_monitor.app._middlewares[0], EventGuard)


def test_what_changes_something_is_there_and_is_no_viewers() -> None:
    names = {short_name(event): role_for_event(event) for event in events()}
    assert names.keys() >= CHANGING
    assert all(names[name].includes(Role.OPERATOR) for name in CHANGING)


async def test_no_handler_runs_for_who_may_not_call_it(database: str) -> None:
    people = {role: add_person(database, role) for role in Role}
    nobody, forged = tab_of(None), tab_of(Person("", "", Role.ADMIN, "x" * 43))
    tabs = {role: tab_of(person) for role, person in people.items()}
    for event in events():
        needed = role_for_event(event)
        assert is_sent_away(await ask_guard(nobody, event)), event
        assert is_sent_away(await ask_guard(forged, event)), event
        for role, tab in tabs.items():
            update = await ask_guard(tab, event)
            assert (update is None) == role.includes(needed), (event, role)
    assert (
        ask(database, "SELECT count(*) FROM audit_log WHERE actor = 'viewer@example.com' AND outcome = 'refused'")[0][0]
        > 20
    )


async def test_a_refusal_says_which_role_is_missing_and_who_acts_is_known(database: str) -> None:
    person = add_person(database, Role.VIEWER)
    tab = tab_of(person)
    update = await ask_guard(tab, STOP)
    assert update is not None
    assert "This needs the role operator; yours is viewer." in str(update.delta)
    assert caller_name() == "viewer@example.com"
    shell = await tab.get_state(ShellState)
    shell._query()  # a refresh of the page
    assert shell.refusal.startswith("This needs the role operator")
    look_from(tab, person, "/queue")
    shell._query()
    assert shell.refusal == ""


async def test_an_ended_session_ends_what_an_open_socket_may_do(database: str) -> None:
    person = add_person(database, Role.ADMIN)
    tab = tab_of(person)
    assert await ask_guard(tab, STOP) is None
    ask(database, "DELETE FROM user_sessions RETURNING id")
    forget_identities()
    assert is_sent_away(await ask_guard(tab, STOP))


async def test_a_tab_forgets_what_another_person_saw_in_it(database: str) -> None:
    tab = tab_of(add_person(database, Role.ADMIN))
    watch = format_event_handler(OrchestrationsState.event_handlers["watch"])
    assert await ask_guard(tab, watch) is None
    seen = await tab.get_state(OrchestrationsState)
    seen.page_error = "seen by the administrator"
    look_from(tab, add_person(database, Role.VIEWER))
    assert await ask_guard(tab, watch) is None
    assert (await tab.get_state(OrchestrationsState)).page_error == ""
