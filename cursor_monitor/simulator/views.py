"""Agents and runs in the shapes of v1; what is absent is left out."""

from __future__ import annotations

from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.clock import timestamp
from cursor_monitor.simulator.gitstate import branches_of
from cursor_monitor.simulator.model import FINISHED, Agent, Run

Json = dict[str, Any]


def summary_view(agent: Agent, now: int) -> Json:
    """AgentSummary: the items of a list."""
    return {
        "id": agent.id,
        "name": agent.name,
        "status": agent.status(now),
        "env": agent.spec.get("env") or {"type": "cloud"},
        "url": f"https://cursor.com/agents/{agent.id}",
        "createdAt": timestamp(agent.created_ms),
        "updatedAt": timestamp(agent.updated_ms(now)),
        "latestRunId": agent.runs[-1].id,
    }


def agent_view(agent: Agent, now: int) -> Json:
    """Agent: the summary and what was asked for at its creation."""
    view = summary_view(agent, now) | {"repos": agent.repos}
    for key in ("workOnCurrentBranch", "autoCreatePR", "skipReviewerRequest"):
        view[key] = agent.spec.get(key, False)
    if agent.spec.get("customSubagents"):
        view["customSubagents"] = agent.spec["customSubagents"]
    return view


def run_item_view(world: World, agent: Agent, run: Run) -> Json:
    """A run as lists show it: without result and duration."""
    now = world.clock.now()
    view: Json = {
        "id": run.id,
        "agentId": agent.id,
        "status": run.status(now),
        "createdAt": timestamp(run.created_ms),
        "updatedAt": timestamp(run.updated_ms(now)),
    }
    branches = branches_of(world, agent, now)
    return view | {"git": {"branches": branches}} if branches else view


def run_view(world: World, agent: Agent, run: Run, text: str | None) -> Json:
    """A run in full; `text` is its final reply, shown once it has finished."""
    view = run_item_view(world, agent, run)
    if run.ends_ms is not None and not run.active(world.clock.now()):
        view["durationMs"] = max(0, run.ends_ms - run.created_ms)
        if text and run.outcome == FINISHED:
            view["result"] = text
    return view
