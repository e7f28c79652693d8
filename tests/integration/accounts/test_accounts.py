"""Several accounts: keys at rest, their troubles, and work that waits for one while the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cursor_monitor.domain.errors import Conflict, Invalid
from cursor_monitor.queries import accounts as queries
from cursor_monitor.queries.agents import get_agent
from cursor_monitor.queries.board import get_board
from cursor_monitor.queries.orchestrations import get_orchestration
from cursor_monitor.secrets.cipher import SecretError
from cursor_monitor.services import accounts, agents, orchestrations
from cursor_monitor.services.clients import open_key
from cursor_monitor.services.rotation import rotate
from cursor_monitor.services.startup import close_all, open_all
from cursor_monitor.settings import Settings
from tests.support.postgres import ask, ask_one
from tests.support.processes import Simulator, Workers
from tests.support.replay import assert_all_replayed
from tests.support.waiting import eventually

KEY, OTHER, THIRD = "crsr_first_00112233445566", "crsr_other_77889900aabbcc", "crsr_third_ddeeff001122"
MASTER, NEXT = "Aq3kX9mZ1pL7vT5wR2yB8nC4dF6gH0jK", "zY8xW7vU6tS5rQ4pO3nM2lK1jI0hG9fE"
TASKS = [{"prompt": f"Mend part {n}."} for n in range(4)]
BATCH = {"prompt": "Mend it.", "repository": "acme/web", "mode": "BATCH", "tasks": TASKS}


@pytest.fixture
def opened(database: str, simulator: Simulator, tmp_path: Path) -> Iterator[str]:
    """The services of this process, with the simulator as Cursor and a master key of the test's own."""
    use(database, simulator, MASTER)
    yield database
    assert_all_replayed()


def use(database: str, simulator: Simulator, *masters: str, data_dir: Path = Path("/nonexistent")) -> None:
    close_all()
    settings = Settings(
        database_url=database, cursor_api_url=simulator.url, secret_keys=tuple(masters), data_dir=data_dir
    )
    open_all(settings)


def dump(database: str) -> str:
    """Every column of every table, as text."""
    with psycopg.connect(database, autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return "\n".join(str(connection.execute(f"SELECT t::text FROM {n} t".encode()).fetchall()) for (n,) in names)


def test_a_key_is_nowhere_in_the_database_and_never_comes_out(opened: str, simulator: Simulator) -> None:
    made = accounts.create({"name": "team-a", "key": KEY}, by="test")
    agents.launch({"prompt": "Add a changelog.", "repository": "acme/web", "account": "TEAM-A"}, by="test")
    everything = dump(opened)
    assert "team-a" in everything
    assert KEY not in everything
    assert KEY not in repr(queries.get_account(made))
    row = queries.get_account(made)
    assert (row.key_last4, row.status, row.owner_email) == (KEY[-4:], "active", "developer@example.com")
    assert ask_one(opened, "SELECT account_id FROM agents") == made


def test_rotation_seals_all_anew_and_a_wrong_master_key_loses_nothing(opened: str, simulator: Simulator) -> None:
    made = accounts.create({"name": "team-a", "key": KEY}, by="test")
    sealed = "SELECT key_sealed FROM cursor_accounts WHERE key_sealed IS NOT NULL"
    before = ask(opened, sealed)
    use(opened, simulator, NEXT)
    with pytest.raises(SecretError, match="another master key"):
        open_key(made, ask_one(opened, sealed))
    with pytest.raises(Conflict, match="Nothing was changed: the key of account team-a"):
        rotate()
    assert ask(opened, sealed) == before
    use(opened, simulator, NEXT, MASTER)
    assert rotate() == 1
    use(opened, simulator, NEXT)
    assert open_key(made, ask_one(opened, sealed)) == KEY


def test_the_key_file_is_rotated_too(opened: str, simulator: Simulator, tmp_path: Path) -> None:
    use(opened, simulator, data_dir=tmp_path)
    made = accounts.create({"name": "team-a", "key": KEY}, by="test")
    first = (tmp_path / "secret.key").read_text()
    assert rotate() == 1
    second = (tmp_path / "secret.key").read_text()
    assert first != second
    assert first.strip() not in second
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert open_key(made, ask_one(opened, "SELECT key_sealed FROM cursor_accounts WHERE id = %s", (made,))) == KEY


@pytest.mark.parametrize(
    ("trouble", "says"),
    [("revoked", "does not accept"), ("no_plan", "does not include Cloud Agents")],
)
def test_a_key_that_cannot_be_used_is_refused_plainly(
    opened: str, simulator: Simulator, trouble: str, says: str
) -> None:
    simulator.trouble(KEY, trouble)
    with pytest.raises(Invalid, match=says) as caught:
        accounts.create({"name": "team-a", "key": KEY}, by="test")
    assert caught.value.field == "key"
    assert KEY not in str(caught.value)
    assert [account.name for account in queries.list_accounts()] == ["default"]


def test_what_would_be_there_twice_is_refused(opened: str, simulator: Simulator) -> None:
    accounts.create({"name": "team-a", "key": KEY}, by="test")
    with pytest.raises(Invalid, match="is taken"):
        accounts.create({"name": "Team-A", "key": OTHER}, by="test")
    with pytest.raises(Invalid, match="key: is that of account team-a"):
        accounts.create({"name": "team-b", "key": KEY}, by="test")
    with pytest.raises(Invalid, match="account: there is no account 'team-c'; use one of: default, team-a"):
        agents.launch({"prompt": "x", "repository": "acme/web", "account": "team-c"}, by="test")


def test_an_account_with_work_is_kept_and_its_history_stays(opened: str, simulator: Simulator) -> None:
    made = accounts.create({"name": "team-a", "key": KEY}, by="test")
    accounts.choose_default(made, by="test")
    agent = agents.launch({"prompt": "Add a changelog.", "repository": "acme/web"}, by="test")
    with pytest.raises(Conflict, match="1 agents and 0 orchestrations"):
        accounts.delete(made, by="test")
    agents.stop(agent, by="test")
    accounts.delete(made, by="test")
    assert ask(opened, "SELECT key_sealed, key_fingerprint FROM cursor_accounts WHERE id = %s", (made,)) == [
        (None, None)
    ]
    assert [(a.name, a.is_default) for a in queries.list_accounts()] == [("default", True)]
    accounts.create({"name": "team-a", "key": KEY}, by="test")


def test_one_account_is_revoked_half_way_and_the_other_goes_on(
    opened: str, simulator: Simulator, workers: Workers
) -> None:
    """Two orchestrations with two keys: the refused one's work waits, goes on by itself, and is done once."""
    first = accounts.create({"name": "team-a", "key": KEY}, by="test")
    second = accounts.create({"name": "team-b", "key": OTHER, "requests_per_minute": 900_000}, by="test")
    simulator.trouble(KEY, "no_money")
    one = orchestrations.launch({**BATCH, "account": "team-a", "options": {"max_parallel_agents": 2}}, by="test")
    two = orchestrations.launch({**BATCH, "account": second, "options": {"max_parallel_agents": 2}}, by="test")
    workers.start(CURSOR_MONITOR_SECRET_KEY=MASTER)

    def status(orchestration_id: str) -> str:
        return get_orchestration(orchestration_id).status

    eventually(lambda: status(one) == "blocked")
    assert "spending limit" in str(get_orchestration(one).error_summary)
    eventually(lambda: status(two) == "completed", seconds=60)
    assert (status(one), queries.get_account(first).trouble) == ("blocked", "money")
    simulator.trouble(KEY, None)
    simulator.fault("delay", seconds=0.3, method="POST", path="/v1/agents")
    accounts.check(first, by="test")
    eventually(lambda: len(simulator.agents()) > len(TASKS))
    simulator.trouble(KEY, "revoked")
    eventually(lambda: status(one) == "blocked" and queries.get_account(first).trouble == "key")
    assert queries.get_account(first).status == "refused"
    assert "does not accept the key of account team-a" in str(queries.get_account(first).message)
    simulator.clear_faults()
    simulator.trouble(KEY, None)
    accounts.check(first, by="test")
    eventually(lambda: status(one) == "completed", seconds=60)
    assert queries.get_account(first).status == "active"
    assert_done_once(opened, simulator)
    assert not any(KEY in worker.log or OTHER in worker.log for worker in workers.all)


TROUBLES = {
    "revoked": (KEY, "does not accept the key of account revoked"),
    "no_plan": (OTHER, "plan of account no_plan does not include Cloud Agents"),
    "no_money": (THIRD, "Account no_money has reached its spending limit"),
}


def test_a_launch_and_a_followup_by_themselves_wait_blocked_until_their_account_is_mended(
    opened: str, simulator: Simulator, workers: Workers
) -> None:
    ids = {name: accounts.create({"name": name, "key": key}, by="test") for name, (key, _) in TROUBLES.items()}
    work = {"prompt": "Mend it.", "repository": "acme/web"}
    made = {name: agents.launch({**work, "account": name}, by="test") for name in TROUBLES}

    def trouble(is_on: bool) -> None:
        for name, (key, _) in TROUBLES.items():
            simulator.trouble(key, name if is_on else None)
            if not is_on:
                accounts.check(ids[name], by="test")

    def waits(name: str) -> bool:
        detail = get_agent(made[name])
        newest = detail.followups[-1] if detail.followups else None
        state, why = (
            (newest.status, newest.error_message) if newest else (detail.agent.state, detail.agent.error_message)
        )
        return state == "blocked" and TROUBLES[name][1] in str(why) and "goes on by itself" in str(why)

    trouble(True)
    workers.start(CURSOR_MONITOR_SECRET_KEY=MASTER)
    eventually(lambda: all(map(waits, TROUBLES)))
    respond = next(lane for lane in get_board().lanes if lane.name == "respond")
    assert {card.id for card in respond.cards} == set(made.values())
    trouble(False)
    eventually(lambda: all(get_agent(one).agent.state == "finished" for one in made.values()))
    assert not any(get_agent(one).agent.error_message for one in made.values())
    trouble(True)
    for one in made.values():
        agents.followup(one, "And the rest.", by="test")
    eventually(lambda: all(map(waits, TROUBLES)))
    trouble(False)
    eventually(lambda: all(len(get_agent(one).runs) == 2 for one in made.values()))
    assert [(agent["create_calls"], len(agent["runs"])) for agent in simulator.agents()] == [(1, 2)] * len(TROUBLES)
    assert ask_one(opened, "SELECT count(*) FROM orchestration_outbox_jobs WHERE status = 'failed'") == 0


def assert_done_once(database: str, simulator: Simulator) -> None:
    made = simulator.agents()
    assert len(made) == 2 * len(TASKS)
    assert [agent["create_calls"] for agent in made] == [1] * len(made)
    keys = {agent["id"]: agent["key"] for agent in made}
    owners = dict(ask(database, "SELECT id, account_id FROM agents"))
    assert len(set(keys.values())) == 2
    assert len({(owners[agent_id], key) for agent_id, key in keys.items()}) == 2
    budgets = ask(database, "SELECT per_minute FROM cursor_budgets WHERE endpoint = 'api' ORDER BY 1")
    assert [limit for (limit,) in budgets if limit == 900_000] == [900_000]
