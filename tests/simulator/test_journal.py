"""State that outlives the process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cursor_monitor.settings import SettingsError
from cursor_monitor.simulator.config import SimConfig, load_config
from cursor_monitor.simulator.journal import JournalError
from cursor_monitor.simulator.simulator import Simulator
from tests.simulator.harness import AGENT, Sim


def again(sim: Sim, path: Path) -> Sim:
    """A second simulator on the same file, at the same moment, the first one gone without a word."""
    second = Sim(SimConfig(state_file=path))
    second.clock.advance((sim.clock.now() - second.clock.now()) / 1000)
    return second


async def test_everything_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state/sim.jsonl"
    sim = Sim(SimConfig(state_file=path))
    first = await sim.create("x [[sim:error-once]]", agentId=AGENT, autoCreatePR=True)
    await sim.call("POST", "/v1/agents", {"prompt": {"text": "x"}, "agentId": AGENT})
    await sim.finished(first)
    await sim.follow_up(AGENT)
    never = await sim.create("y [[sim:never]]")
    await sim.call("POST", f"/v1/agents/{never['agent']['id']}/runs/{never['run']['id']}/cancel")
    await sim.call("DELETE", f"/v1/agents/{(await sim.create('gone'))['agent']['id']}")
    await sim.call("POST", f"/v1/agents/{never['agent']['id']}/archive")
    second = again(sim, path)
    assert await second.ledger() == await sim.ledger()
    assert await second.get("/v1/agents") == await sim.get("/v1/agents")
    for other in (sim, second):
        other.clock.advance(60)
    assert await second.run_of(first) == await sim.run_of(first)
    assert await second.ledger() != {"agents": []}
    retried = await second.create("x [[sim:error-once]]")
    assert (await second.finished(retried))["status"] == "FINISHED"
    assert oct(path.stat().st_mode & 0o777) == "0o600"


async def test_a_line_cut_short_is_dropped_and_a_broken_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "sim.jsonl"
    sim = Sim(SimConfig(state_file=path))
    await sim.create(agentId=AGENT)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op":"agent","id":"bc-')
    assert [agent["id"] for agent in (await again(sim, path).ledger())["agents"]] == [AGENT]
    assert all(json.loads(line) for line in path.read_bytes().splitlines())
    path.write_bytes(b"nonsense\n" + whole)
    with pytest.raises(JournalError, match="line 1"):
        Simulator(SimConfig(state_file=path))


async def test_reset_empties_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sim.jsonl"
    sim = Sim(SimConfig(state_file=path))
    await sim.create()
    await sim.call("POST", "/_sim/reset")
    second = again(sim, path)
    assert (await second.ledger())["agents"] == []
    await second.create(agentId=AGENT)
    assert len((await again(sim, path).ledger())["agents"]) == 1


async def test_counts_are_compacted(tmp_path: Path) -> None:
    path = tmp_path / "sim.jsonl"
    sim = Sim(SimConfig(state_file=path))
    for _ in range(50):
        await sim.call("POST", "/v1/agents", {})
    again(sim, path)
    assert len(path.read_bytes().splitlines()) == 2
    assert (await again(sim, path).ledger())["rejected"] == {"400 validation_error": 50}


async def test_webhooks_owed_are_sent_after_a_restart(tmp_path: Path) -> None:
    path, got = tmp_path / "sim.jsonl", []

    async def post(url, body, headers) -> int:
        got.append(json.loads(body)["id"])
        return 200

    sim = Sim(SimConfig(state_file=path), post=post)
    body = {
        "prompt": {"text": "x"},
        "source": {"repository": "https://github.com/acme/shop"},
        "webhook": {"url": "http://hook.test"},
    }
    agent = (await sim.call("POST", "/v0/agents", body)).json()
    sim.simulator.close()
    for _ in range(2):
        second = Sim(SimConfig(state_file=path), post=post)
        second.clock.advance(60)
        second.simulator.start()
        for _ in range(20):
            await asyncio.sleep(0)
        second.simulator.close()
    assert got == [agent["id"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIMULATOR_PORT", "x"),
        ("SIMULATOR_PORT", "70000"),
        ("SIM_TIME_SCALE", "0"),
        ("SIM_TIME_SCALE", "nan"),
        ("SIM_REPOSITORIES_LIMIT", "maybe"),
    ],
)
def test_wrong_settings_name_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .*example: {name}="):
        load_config({name: value})


def test_empty_settings_mean_unset() -> None:
    assert load_config({"SIM_SEED": "", "SIMULATOR_PORT": " "}) == SimConfig()
    assert load_config({"SIM_REPOSITORIES_LIMIT": "off", "SIM_SEED": "7"}).seed == "7"
