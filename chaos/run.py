"""One fault run: build the world, drive it, judge what it left, and say all of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.drive import Drive
from chaos.orders import make_orders
from chaos.storm import storm
from chaos.verdict import judge
from chaos.world import world
from tests.support.postgres import ask


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of; the same seed makes the same orders and the same blows, timing aside."""

    seed: str
    orchestrations: int
    workers: int
    time_scale: float = 0.3
    gap_seconds: float = 1.0
    open_at_once: int = 60
    blows: Sequence[str] = ()  # only these, in this order; none: whatever the seed brings, until the end


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    violations: Sequence[str]
    facts: Sequence[str]
    seconds: float


def run(plan: Plan, folder: Path, tell: Callable[[str], None] = print) -> Outcome:
    """Do it; the folder keeps what everybody said."""
    with driven(plan, folder, tell) as drive:
        seconds = drive.seconds
        return Outcome(judge(drive), _facts(drive), seconds)


@contextlib.contextmanager
def driven(plan: Plan, folder: Path, tell: Callable[[str], None] = print) -> Iterator[Drive]:
    """The run, done, with its world still there for the length of a block."""
    with world(folder, seed=plan.seed, workers=plan.workers, time_scale=plan.time_scale) as made:
        drive = Drive(
            made,
            make_orders(plan.seed, plan.orchestrations),
            storm(plan.seed, plan.gap_seconds, plan.blows),
            open_at_once=plan.open_at_once,
            strikes_all=bool(plan.blows),
            tell=tell,
        )
        drive.run()
        yield drive


def _facts(drive: Drive) -> list[str]:
    url, ledger = drive.world.url, drive.world.simulator.ledger()
    runs = [run for agent in ledger["agents"] for run in agent["runs"]]
    ((events, jobs, tries),) = ask(
        url,
        "SELECT (SELECT count(*) FROM orchestration_events), count(*), sum(attempts) FROM orchestration_outbox_jobs",
    )
    followups = ask(url, "SELECT status, count(*) FROM agent_followups GROUP BY 1 ORDER BY 1")
    dead = ask(url, "SELECT kind, count(*) FROM orchestration_outbox_dead GROUP BY 1 ORDER BY 1")
    ends = ask(url, "SELECT status, count(*) FROM orchestrations GROUP BY 1 ORDER BY 1")
    ((tasks,),) = ask(url, "SELECT count(*) FROM orchestration_tasks WHERE position >= 0")
    refusals = sum(number for what, number in ledger["rejected"].items())
    return [
        f"orchestrations: {_pairs(ends)}",
        f"tasks {tasks}; agents {len(ledger['agents'])}; runs {len(runs)}; follow-ups {_pairs(followups)}",
        f"events {events}; jobs {jobs} in {tries} tries; dead letters, each told by its task: {_pairs(dead) or 'none'}",
        f"blows: {_pairs(sorted(drive.blows_struck.items()))}",
        f"people: {_pairs(sorted(drive.people.acts.items()))}",
        f"answers of the API that were no success: {refusals}",
    ]


def _pairs(items: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number}" for name, number in items)
