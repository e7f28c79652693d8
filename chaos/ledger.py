"""The simulator's ledger against the database: what was paid for is what was decided, once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.support.postgres import ask

Json = dict[str, Any]
_OVER = ("FINISHED", "ERROR", "CANCELLED", "EXPIRED")


def violations(url: str, ledger: Json, deleted: Collection[str] = ()) -> Iterator[str]:
    """What the ledger has and the database does not, the other way round, and what ran twice or too much at once.

    `deleted` are agents that somebody deleted at Cursor: their work there is not ours to end.
    """
    paid: dict[str, Json] = {agent["id"]: agent for agent in ledger["agents"]}
    if len(paid) != len(ledger["agents"]):
        yield "the ledger has one agent twice"
    yield from _agents(url, paid)
    yield from _runs(url, paid)
    yield from _unsent(url)
    yield from _left_working(url, paid, deleted)
    yield from _at_once(url, paid, deleted)


def _agents(url: str, paid: Mapping[str, Json]) -> Iterator[str]:
    known = dict(ask(url, "SELECT id, launch_status FROM agents WHERE origin <> 'elsewhere'"))
    for agent_id in paid.keys() - known.keys():
        yield f"agent {agent_id} is in the ledger and nobody decided it"
    for agent_id, status in known.items():
        if (status == "launched") != (agent_id in paid):
            yield f"agent {agent_id} is {status} here and {'' if agent_id in paid else 'not '}in the ledger"
    decided = ask(url, "SELECT orchestration_id, task_key, number FROM agent_orchestrator_states")
    if len(decided) != len(set(decided)):
        yield "one try at a task has two agents"


def _runs(url: str, paid: Mapping[str, Json]) -> Iterator[str]:
    """Each agent has its first run and one for each follow-up that was sent, with that follow-up's words."""
    sent: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for agent_id, run_id, prompt in ask(url, "SELECT agent_id, run_id, prompt FROM agent_followups WHERE run_id <> ''"):
        sent[agent_id].append((run_id, prompt))
    for agent_id, agent in paid.items():
        asked = {run_id: prompt.strip() for run_id, prompt in sent[agent_id]}
        extra = [run for run in agent["runs"][1:] if run["id"] not in asked]
        if len(asked) != len(sent[agent_id]):
            yield f"agent {agent_id}: two follow-ups claim one run"
        for run in extra:
            yield f"agent {agent_id}: run {run['id']} answers no follow-up; told {run['prompt'][:60]!r}"
        if missing := asked.keys() - {run["id"] for run in agent["runs"][1:]}:
            yield f"agent {agent_id}: {len(missing)} follow-ups have runs that never were"
        for run in agent["runs"][1:]:
            if run["id"] in asked and run["prompt"].strip() != asked[run["id"]]:
                yield f"agent {agent_id}: run {run['id']} was told something else than its follow-up"


def _unsent(url: str) -> Iterator[str]:
    """Where an orchestration ended, each of its follow-ups was sent, failed or was let go."""
    rows = ask(
        url,
        "SELECT f.id, f.status, f.agent_id FROM agent_followups f JOIN agents a ON a.id = f.agent_id"
        " JOIN orchestrations o ON o.id = a.orchestration_id WHERE f.status IN ('requested', 'sending')"
        " AND o.status IN ('completed', 'partial', 'error', 'stopped')",
    )
    yield from (f"follow-up {number} to agent {agent_id} is {status} for ever" for number, status, agent_id in rows)


def _left_working(url: str, paid: Mapping[str, Json], deleted: Collection[str]) -> Iterator[str]:
    ended = ask(
        url,
        "SELECT a.id FROM agents a JOIN orchestrations o ON o.id = a.orchestration_id"
        " WHERE o.status IN ('completed', 'partial', 'error', 'stopped')",
    )
    for (agent_id,) in ended:
        working = [run["id"] for run in paid.get(agent_id, {"runs": ()})["runs"] if run["status"] not in _OVER]
        if working and agent_id not in deleted:
            yield f"agent {agent_id} still works although its orchestration has ended"


def _at_once(url: str, paid: Mapping[str, Json], deleted: Collection[str]) -> Iterator[str]:
    """By the simulator's own clock, never more agents of one orchestration at work than it may have."""
    spans: dict[str, list[tuple[str, int]]] = defaultdict(list)
    most: dict[str, int] = {}
    rows = ask(
        url,
        "SELECT a.id, o.id::text, (o.options ->> 'max_parallel_agents')::int"
        " FROM agents a JOIN orchestrations o ON o.id = a.orchestration_id",
    )
    for agent_id, key, allowed in rows:
        most[key] = allowed
        if agent_id in paid and agent_id not in deleted:
            spans[key] += _moments(paid[agent_id]["runs"])
    for key, moments in spans.items():
        if (peak := _peak(moments)) > most[key]:
            yield f"{key}: {peak} agents worked at once at Cursor, {most[key]} are allowed"


def _moments(runs: Sequence[Json]) -> list[tuple[str, int]]:
    began = [(run["created_at"], 1) for run in runs]
    return began + [(run["ended_at"], -1) for run in runs if run["ended_at"]]


def _peak(moments: Sequence[tuple[str, int]]) -> int:
    """At one and the same moment an end comes before a beginning."""
    level = peak = 0
    for _, step in sorted(moments):
        level += step
        peak = max(peak, level)
    return peak
