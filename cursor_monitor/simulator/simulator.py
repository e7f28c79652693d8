"""The parts of one simulator, put together, and its state carried over a restart."""

from __future__ import annotations

import secrets
from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.clock import Clock, SystemClock
from cursor_monitor.simulator.config import SimConfig
from cursor_monitor.simulator.conversation import Narrator
from cursor_monitor.simulator.faults import Faults
from cursor_monitor.simulator.journal import Journal
from cursor_monitor.simulator.ledger import Counters
from cursor_monitor.simulator.limiter import HourlyLimit, RepositoriesLimit, RequestsLimit
from cursor_monitor.simulator.timeline import Event
from cursor_monitor.simulator.webhooks import Post, Webhooks, post_over_http

Entry = dict[str, Any]


class Simulator:
    """What the handlers work with; one per application."""

    world: World
    narrator: Narrator
    counters: Counters
    faults: Faults
    limit: RepositoriesLimit
    requests_limit: RequestsLimit
    code_host_limit: HourlyLimit
    webhooks: Webhooks
    timelines: dict[tuple[str, int | None, str], list[Event]]
    MOST_TIMELINES = 64
    delivered: dict[str, str]
    keys: dict[str, str]  # the trouble that a key is in, by its fingerprint

    def __init__(self, config: SimConfig, clock: Clock | None = None, post: Post = post_over_http) -> None:
        self.config = config
        self._post = post
        self.clock = clock or SystemClock()
        self._journal = Journal(config.state_file) if config.state_file else None
        entries = list(self._journal.read()) if self._journal else []
        stored = next((entry["seed"] for entry in entries if entry["op"] == "seed"), None)
        self.seed: str = config.seed or stored or secrets.token_hex(8)
        self._begin()
        for entry in entries:
            self._replay(entry)
        if self._journal:
            self._journal.rewrite(self._compacted(entries))

    def reset(self, seed: str | None = None) -> None:
        """Forget everything, the faults too; without a new seed the old one stays."""
        self.seed = seed or self.seed
        self.webhooks.stop()
        self._begin()
        if self._journal:
            self._journal.rewrite([{"op": "seed", "seed": self.seed}])

    def mark_delivered(self, run_id: str, outcome: str) -> None:
        """Remember that the webhook of a run is settled: `sent` or `given up`."""
        self.delivered[run_id] = outcome
        self._record({"op": "webhook", "run": run_id, "outcome": outcome})

    def save_counts(self) -> None:
        """Journal the counts of requests since the last time."""
        entry = self.counters.take_unsaved()
        if entry:
            self._record(entry)

    def start(self) -> None:
        """Take up the webhooks an earlier process still owed; needs a running event loop."""
        for agent in self.world.everything():
            for run in agent.runs:
                self.webhooks.expect(agent, run)

    def close(self) -> None:
        """Save what is not saved and give the state file back."""
        self.webhooks.stop()
        self.save_counts()
        if self._journal:
            self._journal.close()
            self._journal = None

    def _begin(self) -> None:
        self.world = World(self.seed, self.config.time_scale, self.clock, self._record)
        self.narrator = Narrator(self.seed, self.config.plan_dir)
        self.counters = Counters()
        self.faults = Faults(self.seed)
        self.limit = RepositoriesLimit()
        self.requests_limit = RequestsLimit()
        self.code_host_limit = HourlyLimit()
        self.delivered = {}
        self.keys = {}
        self.timelines = {}
        self.webhooks = Webhooks(self.world, self.faults, self.delivered, self.mark_delivered, self._post)
        self.world.on_run = self.webhooks.expect

    def _record(self, entry: Entry) -> None:
        if self._journal:
            self._journal.append(entry)

    def _replay(self, entry: Entry) -> None:
        if entry["op"] == "count":
            self.counters.restore(entry)
        elif entry["op"] == "webhook":
            self.delivered[entry["run"]] = entry["outcome"]
        elif entry["op"] != "seed":
            self.world.apply(entry)

    def _compacted(self, entries: list[Entry]) -> list[Entry]:
        kept = [entry for entry in entries if entry["op"] not in ("seed", "count")]
        return [{"op": "seed", "seed": self.seed}, self.counters.total(), *kept]
