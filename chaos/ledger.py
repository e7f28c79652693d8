"""The simulator's ledger against the database: what was paid for is what was decided, once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from chaos.evidence import Evidence
from tests.support.postgres import ask

Json = dict[str, Any]
_SENT = "SELECT agent_id, run_id, prompt FROM agent_followups WHERE run_id <> ''"
_OVER = ("FINISHED", "ERROR", "CANCELLED", "EXPIRED")


def agents(given: Evidence) -> Iterator[str]:
    """Who was paid and never decided, decided and never paid, or both twice."""
    paid = given.paid
    if len(paid) != len(given.ledger["agents"]):
        yield "the ledger has one agent twice"
    known = dict(ask(given.url, "SELECT id, launch_status FROM agents WHERE origin <> 'elsewhere'"))
    for agent_id in paid.keys() - known.keys():
        yield f"agent {agent_id} is in the ledger and nobody decided it"
    for agent_id, status in known.items():
        if (status == "launched") != (agent_id in paid):
            yield f"agent {agent_id} is {status} here and {'' if agent_id in paid else 'not '}in the ledger"
    decided = ask(given.url, "SELECT orchestration_id, task_key, number FROM agent_orchestrator_states")
    if len(decided) != len(set(decided)):
        yield "one try at a task has two agents"


def runs(given: Evidence) -> Iterator[str]:
    """Each agent has its first run and one for each follow-up that was sent, with that follow-up's words."""
    sent: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for agent_id, run_id, prompt in ask(given.url, _SENT):
        sent[agent_id].append((run_id, prompt))
    for agent_id, agent in given.paid.items():
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


def unsent(given: Evidence) -> Iterator[str]:
    """Where an orchestration ended, each of its follow-ups was sent, failed or was let go."""
    rows = ask(
        given.url,
        "SELECT f.id, f.status, f.agent_id FROM agent_followups f JOIN agents a ON a.id = f.agent_id"
        " JOIN orchestrations o ON o.id = a.orchestration_id WHERE f.status IN ('requested', 'sending')"
        " AND o.status IN ('completed', 'partial', 'error', 'stopped')",
    )
    yield from (f"follow-up {number} to agent {agent_id} is {status} for ever" for number, status, agent_id in rows)


def left_working(given: Evidence) -> Iterator[str]:
    """Agents at work for an orchestration that has ended."""
    ended = ask(
        given.url,
        "SELECT a.id FROM agents a JOIN orchestrations o ON o.id = a.orchestration_id"
        " WHERE o.status IN ('completed', 'partial', 'error', 'stopped')",
    )
    for (agent_id,) in ended:
        working = [run["id"] for run in given.paid.get(agent_id, {"runs": ()})["runs"] if run["status"] not in _OVER]
        if working and agent_id not in given.deleted:
            yield f"agent {agent_id} still works although its orchestration has ended"


def at_once(given: Evidence) -> Iterator[str]:
    """By the simulator's own clock, never more agents of one orchestration at work than it may have."""
    spans: dict[str, list[tuple[str, int]]] = defaultdict(list)
    most: dict[str, int] = {}
    rows = ask(
        given.url,
        "SELECT a.id, o.id::text, (o.options ->> 'max_parallel_agents')::int"
        " FROM agents a JOIN orchestrations o ON o.id = a.orchestration_id",
    )
    for agent_id, key, allowed in rows:
        most[key] = allowed
        if agent_id in given.paid and agent_id not in given.deleted:
            spans[key] += _moments(given.paid[agent_id]["runs"])
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
