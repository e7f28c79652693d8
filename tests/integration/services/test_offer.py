"""What the forms offer: the models and repositories of the chosen account, the branches of the chosen repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from reflex.state import State

from cursor_monitor.codehost.client import build_code_host
from cursor_monitor.domain.jobs import JobKind
from cursor_monitor.queries import catalogue
from cursor_monitor.services import agents
from cursor_monitor.services.branches import want_branches
from cursor_monitor.services.tuning import current, tune
from cursor_monitor.state.new_agent import NewAgentState
from cursor_monitor.state.new_orchestration import NewOrchestrationState
from cursor_monitor.store import accounts, cache
from cursor_monitor.store.database import transaction
from tests.fakes.cursor import FakeCursor
from tests.simulator.harness import Sim
from tests.support.postgres import ask
from tests.support.pump import Pump

ADDRESS = "https://github.com/acme/shop"


@pytest.fixture
def watched(database: str) -> Iterator[None]:
    """A code host is asked."""
    usual = current()
    tune(replace(usual, code_host_web="github.com", code_host_account="test"))
    yield
    tune(usual)


@pytest.mark.parametrize("form", [NewAgentState, NewOrchestrationState])
async def test_a_form_offers_what_the_chosen_account_may_use(database: str, form: type[State]) -> None:
    with transaction() as session:
        sealed = {"source": "stored", "key_sealed": "x", "key_fingerprint": "x"}
        accounts.insert_account(session, id="team-a", name="Team A", **sealed)
        for account, word in (("default", "usual"), ("team-a", "special")):
            cache.put(session, cache.account_key("models", account), [{"id": word, "name": word}])
            cache.put(session, cache.account_key("repositories", account), [f"https://github.com/acme/{word}"])
    state = State(_reflex_internal_init=True).get_substate(form.get_full_name().split(".")[1:])  # pyright: ignore[reportCallIssue]
    await form.event_handlers["open"].fn(state)

    async def offered(account: str) -> tuple[list[str], list[str], str]:
        await form.event_handlers["choose_account"].fn(state, account)
        return [one.id for one in state.models], state.repositories, state.message  # pyright: ignore[reportAttributeAccessIssue]

    assert await offered("team-a") == (["special"], ["https://github.com/acme/special"], "")
    assert await offered("") == (["usual"], ["https://github.com/acme/usual"], "")
    assert "there is no account" in (await offered("nobody"))[2]


async def test_branches_are_those_of_the_code_host_and_those_that_agents_used(database: str, watched: None) -> None:
    sim = Sim()
    pushed = (await sim.finished(await sim.create("Add a login page")))["git"]["branches"][0]["branch"]
    transport = httpx.ASGITransport(sim.app)
    pump = Pump(FakeCursor(), build_code_host("http://sim.test/github", "ghp_good", transport=transport))
    agents.launch({"prompt": "x", "repository": "acme/shop", "ref": "develop"}, by="test")
    assert catalogue.list_branches("github.com/acme/shop.git") == (ADDRESS, ("develop",))
    assert [want_branches(ADDRESS) for _ in range(2)] == [True, False], "asked once in a while"
    assert await pump.run_due(JobKind.LIST_BRANCHES) == 1
    assert catalogue.list_branches("acme/shop") == (ADDRESS, ("main", pushed, "develop"))
    assert catalogue.list_branches("no repository") == (None, ())
    assert want_branches("https://gitlab.com/acme/shop") is False
    stranger = Pump(FakeCursor(), build_code_host("http://sim.test/github", "stranger", transport=transport))
    assert want_branches("https://github.com/acme/api") is True
    assert await stranger.run_due(JobKind.LIST_BRANCHES) == 1
    assert catalogue.list_branches("acme/api")[1] == ()
    assert ask(database, "SELECT status FROM orchestration_outbox_jobs WHERE kind = 'list_branches'") == [
        ("completed",),
        ("completed",),
    ]
    await sim.http.aclose()
