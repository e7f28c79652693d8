"""The world: every agent ever created, and the only functions that change one.

Each change is an entry, first journalled and then applied, so that a restart replays to the same state.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from cursor_monitor.simulator.auth import CALLER
from cursor_monitor.simulator.chance import digest, uuid_of
from cursor_monitor.simulator.clock import Clock
from cursor_monitor.simulator.errors import ApiError
from cursor_monitor.simulator.model import CANCELLED, FINISHED, NEVER, Agent, Run
from cursor_monitor.simulator.repos import repo_key
from cursor_monitor.simulator.scenarios import Scenario, is_review, parse_scenario, without_markers
from cursor_monitor.simulator.schedule import course_of

Entry = dict[str, Any]
CANCEL_SECONDS = 0.5


class World:
    """All agents by id and by order of creation, deleted ones included."""

    def __init__(self, seed: str, scale: float, clock: Clock, record: Callable[[Entry], None]) -> None:
        self.seed = seed
        self.scale = scale
        self.clock = clock
        self.agents: dict[str, Agent] = {}
        self.pulls: dict[tuple[str, int], Agent] = {}
        self.by_repo: dict[str, list[Agent]] = {}
        self.hidden: set[str] = set()  # repositories that nobody can see any more, by their keys
        self._order: list[Agent] = []
        self.on_run: Callable[[Agent, Run], None] | None = None
        self._record = record
        self._failed_prompts: set[str] = set()
        self._prompts: Counter[str] = Counter()
        self._watchers: dict[str, set[asyncio.Event]] = {}

    def create(self, spec: Entry, prompt: str, mode: str, agent_id: str | None = None, images: int = 0) -> Agent:
        """A new agent with its first run; 409 agent_id_conflict where the id was ever used."""
        if agent_id is not None and agent_id in self.agents:
            self._change({"op": "clash", "agent": agent_id})
            raise ApiError(409, "agent_id_conflict", f"Agent {agent_id} already exists")
        agent_id = agent_id or f"bc-{uuid_of(self.seed, 'agent', len(self._order))}"
        agent = self._draft(agent_id, spec, prompt, self.clock.now())
        run = self._new_run(agent, prompt, mode, images)
        self._change(
            {"op": "agent", "id": agent_id, "ms": agent.created_ms, "spec": spec, "run": run, "owner": CALLER.get()}
        )
        return self._launched(self.agents[agent_id])

    def follow_up(self, agent: Agent, prompt: str, mode: str | None, images: int = 0) -> Run:
        """A further run; 409 while one is active or the agent is archived."""
        now = self.clock.now()
        if agent.status(now) == "ARCHIVED":
            raise ApiError(409, "agent_archived", "Agent is archived. Unarchive it before creating a run.")
        if agent.busy(now):
            raise ApiError(409, "agent_busy", "Agent already has an active run")
        run = self._new_run(agent, prompt, mode or agent.runs[-1].mode, images)
        self._change({"op": "run", "agent": agent.id, "run": run})
        return self._launched(agent).runs[-1]

    def cancel(self, agent: Agent, run: Run, seconds: float = CANCEL_SECONDS, loses: bool = False) -> None:
        """End the run a little later; one that ends by itself before that, or that `loses`, keeps its outcome."""
        now = self.clock.now()
        if not run.active(now):
            raise ApiError(409, "run_not_cancellable", f"Run is already {run.status(now)}")
        ends = now + round(seconds * self.scale * 1000)
        if not loses and run.ends_ms is not None and run.ends_ms <= ends:
            return
        outcome = FINISHED if loses else CANCELLED
        self._change({"op": "end", "agent": agent.id, "run": run.id, "ms": ends, "outcome": outcome})

    def archive(self, agent: Agent, archived: bool) -> None:
        """Archive or unarchive; idempotent."""
        now = self.clock.now()
        if (agent.status(now) == "ARCHIVED") != archived:
            revived = agent.revived or agent.expired(now)
            self._change({"op": "archive", "agent": agent.id, "ms": now, "archived": archived, "revived": revived})

    def delete(self, agent: Agent) -> None:
        """Forget the agent for everyone but the ledger; an active run ends with it."""
        self._change({"op": "delete", "agent": agent.id, "ms": self.clock.now()})

    def find(self, agent_id: str) -> Agent:
        """The agent, ids taken in any case; 404 agent_not_found."""
        agent = self.agents.get(agent_id.lower())
        if agent is None or agent.deleted_ms is not None or not _is_for_caller(agent):
            raise ApiError(404, "agent_not_found", f"Agent {agent_id} not found")
        return agent

    def find_run(self, agent_id: str, run_id: str) -> tuple[Agent, Run]:
        """The agent and its run; 404 agent_not_found or run_not_found."""
        agent = self.find(agent_id)
        run = agent.run(run_id.lower())
        if run is None:
            raise ApiError(404, "run_not_found", f"Run {run_id} not found")
        return agent, run

    def newest_first(self, before: int | None = None) -> Iterator[Agent]:
        """The caller's agents that are not deleted, from ordinal `before` downwards."""
        start = len(self._order) if before is None else min(before, len(self._order))
        all_of_them = (self._order[n] for n in range(start - 1, -1, -1))
        return (agent for agent in all_of_them if agent.deleted_ms is None and _is_for_caller(agent))

    def everything(self) -> list[Agent]:
        """Every agent ever created, oldest first."""
        return self._order

    def watch(self, run_id: str, wake: asyncio.Event) -> Callable[[], None]:
        """Have `wake` set when the run's course changes; returns the function that ends that."""
        watchers = self._watchers.setdefault(run_id, set())
        watchers.add(wake)

        def stop() -> None:
            watchers.discard(wake)
            if not watchers and self._watchers.get(run_id) is watchers:
                del self._watchers[run_id]

        return stop

    def apply(self, entry: Entry) -> None:
        """Bring one recorded change into force."""
        _APPLY[entry["op"]](self, entry)

    def _launched(self, agent: Agent) -> Agent:
        if self.on_run is not None:
            self.on_run(agent, agent.runs[-1])
        return agent

    def _change(self, entry: Entry) -> None:
        self._record(entry)
        self.apply(entry)

    def _new_run(self, agent: Agent, prompt: str, mode: str, images: int) -> Entry:
        now, number = self.clock.now(), len(agent.runs)
        course = course_of(agent, number, mode, self.seed, self.scale)
        return {
            "id": f"run-{uuid_of(self.seed, agent.id, 'run', number)}",
            "number": number,
            "mode": mode,
            "prompt": prompt,
            "created_ms": now,
            "started_ms": now + course.start_ms,
            "planned_ms": course.planned_ms,
            "ends_ms": None if course.fate == NEVER else now + course.planned_ms,
            "outcome": CANCELLED if course.fate == NEVER else course.fate,
            "fate": course.fate,
            "images": images,
        }

    def _draft(self, agent_id: str, spec: Entry, prompt: str, now: int) -> Agent:
        scenario = parse_scenario(prompt)
        keys = [repo_key(repo["url"]) for repo in spec.get("repos", [])]
        review_round = self._review_round(spec, keys) if is_review(prompt) else None
        if review_round is not None:  # the task it quotes is not its own
            scenario = Scenario(review_changes=scenario.review_changes, cents=scenario.cents, no_branch=True)
        return Agent(
            id=agent_id,
            ordinal=len(self._order),
            name=spec.get("name") or derived_name(prompt),
            created_ms=now,
            spec=spec,
            scenario=scenario,
            pr_numbers=[101 + len(self.by_repo.get(key, [])) for key in keys],
            doomed=scenario.error_once and _fingerprint(prompt) not in self._failed_prompts,
            rank=self._prompts[_fingerprint(prompt)],
            review_round=review_round,
        )

    def _review_round(self, spec: Entry, keys: list[str]) -> int:
        """How many reviewers looked at the same branch before."""
        ref = [repo.get("startingRef") for repo in spec.get("repos", [])]
        others = [agent for key in keys for agent in self.by_repo.get(key, []) if agent.review_round is not None]
        return sum([repo.get("startingRef") for repo in agent.repos] == ref for agent in others)

    def _apply_agent(self, entry: Entry) -> None:
        agent = self._draft(entry["id"], entry["spec"], entry["run"]["prompt"], entry["ms"])
        agent.owner = entry.get("owner")
        agent.runs.append(Run(**entry["run"]))
        self.agents[agent.id] = agent
        self._order.append(agent)
        self._prompts[_fingerprint(entry["run"]["prompt"])] += 1
        if agent.doomed:
            self._failed_prompts.add(_fingerprint(entry["run"]["prompt"]))
        for repo, number in zip(agent.repos, agent.pr_numbers, strict=True):
            self.by_repo.setdefault(repo_key(repo["url"]), []).append(agent)
            self.pulls[repo_key(repo["url"]), number] = agent

    def _apply_run(self, entry: Entry) -> None:
        self.agents[entry["agent"]].runs.append(Run(**entry["run"]))

    def _apply_end(self, entry: Entry) -> None:
        run = self.agents[entry["agent"]].run(entry["run"])
        if run is not None:
            run.ends_ms, run.outcome = entry["ms"], entry["outcome"]
            self._wake(run)

    def _apply_archive(self, entry: Entry) -> None:
        agent = self.agents[entry["agent"]]
        agent.archived, agent.revived, agent.touched_ms = entry["archived"], entry["revived"], entry["ms"]

    def _apply_delete(self, entry: Entry) -> None:
        agent = self.agents[entry["agent"]]
        agent.deleted_ms = entry["ms"]
        last = agent.runs[-1]
        if last.active(entry["ms"]):
            last.ends_ms, last.outcome = entry["ms"], CANCELLED
        self._wake(last)

    def _apply_clash(self, entry: Entry) -> None:
        self.agents[entry["agent"]].create_calls += 1

    def _wake(self, run: Run) -> None:
        for wake in self._watchers.get(run.id, ()):
            wake.set()


def _is_for_caller(agent: Agent) -> bool:
    caller = CALLER.get()
    return caller is None or agent.owner in (None, caller)


def derived_name(prompt: str) -> str:
    """The display name the service makes up from the first line of a prompt."""
    lines = [line.strip(" #*-\t") for line in without_markers(prompt).splitlines()]
    first = next((line for line in lines if line), "Untitled task")
    return first if len(first) <= 60 else first[:57].rstrip() + "..."


def _fingerprint(prompt: str) -> str:
    return digest("", " ".join(prompt.split())).hex()


_APPLY: dict[str, Callable[[World, Entry], None]] = {
    "agent": World._apply_agent,
    "run": World._apply_run,
    "end": World._apply_end,
    "archive": World._apply_archive,
    "delete": World._apply_delete,
    "clash": World._apply_clash,
}
