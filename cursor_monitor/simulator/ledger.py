"""The book of everything that was asked for and created, so that a test can prove what happened once."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.clock import timestamp
from cursor_monitor.simulator.model import Agent, Run
from cursor_monitor.simulator.repos import parse_repo

Json = dict[str, Any]
_AGENT = re.compile(r"^(/v[01]/agents/)[^/]+")
_RUN = re.compile(r"(/runs/)[^/]+")


class Counters:
    """Requests by route and refusals by status and code; `unsaved` is what no journal has seen yet."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self._unsaved: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def request(self, method: str, path: str) -> None:
        """Count one request."""
        key = f"{method} {route_of(path)}"
        self.requests[key] += 1
        self._unsaved[0][key] += 1

    def unchanged(self, path: str) -> None:
        """Count an answer that said: as you know it."""
        key = f"304 {route_of(path)}"
        self.requests[key] += 1
        self._unsaved[0][key] += 1

    def refusal(self, status: int | str, code: str) -> None:
        """Count one refusal; status `cut` stands for a connection that was cut."""
        key = f"{status} {code}"
        self.rejected[key] += 1
        self._unsaved[1][key] += 1

    def take_unsaved(self) -> Json | None:
        """The journal entry for what was counted since the last one, None where nothing was."""
        requests, rejected = self._unsaved
        if not requests and not rejected:
            return None
        self._unsaved = (Counter(), Counter())
        return {"op": "count", "requests": requests, "rejected": rejected}

    def restore(self, entry: Json) -> None:
        """Add what an earlier process counted."""
        self.requests.update(entry["requests"])
        self.rejected.update(entry["rejected"])

    def total(self) -> Json:
        """One journal entry that stands for all counts so far."""
        return {"op": "count", "requests": self.requests, "rejected": self.rejected}


def route_of(path: str) -> str:
    """A path with its ids replaced by their names."""
    if path.startswith(("/github", "/_s3")):
        return "/" + path.split("/")[1]
    return _RUN.sub(r"\1{runId}", _AGENT.sub(r"\1{id}", path))[:80]


def ledger_view(world: World, counters: Counters, *, full: bool = False) -> Json:
    """Everything ever created, deleted or not, and the counts; `full` adds the key and how runs were asked for."""
    now = world.clock.now()
    return {
        "agents": [_agent(agent, now, full) for agent in world.everything()],
        "requests": dict(counters.requests),
        "rejected": dict(counters.rejected),
    }


def _agent(agent: Agent, now: int, full: bool) -> Json:
    first = agent.repos[0] if agent.repos else {}
    repo = parse_repo(first["url"]) if first else None
    return {
        "id": agent.id,
        "name": agent.name,
        "repository": repo.path if repo else None,
        "ref": first.get("startingRef"),
        "created_at": timestamp(agent.created_ms),
        "create_calls": agent.create_calls,
        "runs": [_run(run, now, full) for run in agent.runs],
        **({"key": agent.owner} if full else {}),
    }


def _run(run: Run, now: int, full: bool) -> Json:
    ended = run.ends_ms is not None and not run.active(now)
    return {
        "id": run.id,
        "status": run.status(now),
        "created_at": timestamp(run.created_ms),
        "ended_at": timestamp(run.ends_ms) if ended and run.ends_ms is not None else None,
        "prompt": run.prompt,
        **({"mode": run.mode, "images": run.images} if full else {}),
    }
