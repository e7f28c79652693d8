"""Token counts and cost of runs: zeros while a run goes on and for a moment after its end."""

from __future__ import annotations

from typing import Any

from cursor_monitor.simulator.agents import World
from cursor_monitor.simulator.chance import dice, uuid_of
from cursor_monitor.simulator.model import Agent, Run

Json = dict[str, Any]
RECORDED_AFTER_SECONDS = 1.0
_COUNTS = ("inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens")
# US cents for a million tokens of each kind, in the order of _COUNTS.
_PRICES = (300.0, 1500.0, 375.0, 30.0)


def usage_view(world: World, agent: Agent, runs: list[Run], delay_seconds: float | None) -> Json:
    """AgentUsageResponse with the cost fields of the live service; `delay_seconds` None means the default."""
    seconds = RECORDED_AFTER_SECONDS if delay_seconds is None else delay_seconds
    wait = round(seconds * world.scale * 1000)
    entries = [_run_usage(world, agent, run, wait) for run in runs]
    total = {name: sum(entry["usage"][name] for entry in entries) for name in (*_COUNTS, "totalTokens")}
    return {
        "totalUsage": total,
        "runs": entries,
        "cost": {
            name: round(sum(entry["cost"][name] for entry in entries), 4) for name in ("rawCostCents", "chargedCents")
        },
    }


def _run_usage(world: World, agent: Agent, run: Run, wait: int) -> Json:
    recorded = run.ends_ms is not None and world.clock.now() >= run.ends_ms + wait
    counts = _counts(world.seed, agent, run) if recorded else dict.fromkeys(_COUNTS, 0)
    cents = round(sum(counts[name] * price for name, price in zip(_COUNTS, _PRICES, strict=True)) / 1e6, 4)
    if recorded and agent.scenario.cents is not None:
        cents = agent.scenario.cents
    entry: Json = {
        "id": run.id,
        "usage": counts | {"totalTokens": sum(counts.values())},
        "cost": {"rawCostCents": cents, "chargedCents": cents},
    }
    return entry | ({"usageUuid": uuid_of(world.seed, run.id, "usage")} if recorded else {})


def _counts(seed: str, agent: Agent, run: Run) -> dict[str, int]:
    roll = dice(seed, agent.id, run.number, "usage")
    return {
        "inputTokens": roll.randint(2_000, 20_000) + len(run.prompt) // 4,
        "outputTokens": roll.randint(500, 6_000),
        "cacheWriteTokens": roll.randint(1_000, 12_000),
        "cacheReadTokens": roll.randint(8_000, 90_000),
    }
