"""What is kept of fault runs: a file for each under chaos/reports, and docs/reliability.md made of them all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaos.counting import in_words
from chaos.run import Outcome, Plan
from chaos.verdict import INVARIANTS

ROOT = Path(__file__).resolve().parents[1]
REPORTS = Path(__file__).with_name("reports")
DOCUMENT = ROOT / "docs" / "reliability.md"
INTRODUCTION = """\
# Reliability

Made by `REPORT=1 make chaos` from `chaos/reports`; edits by hand are lost.

## What a fault run does

`SEED=1 ORCHESTRATIONS=500 WORKERS=3 make chaos` starts a Postgres, the [simulator](simulator.md) and workers as
processes of their own. It launches orchestrations of every kind: batches, pipelines, graphs, lists in the prompt, plans
made by a planner agent, single agents; most with five tasks. Their agents iterate, report failing tests or none, report
nothing or nonsense, end with errors, expire, leave no branch, ask for ever, or never end. Some orchestrations have
budgets that are too small, or wait for approval. Each launch is sent twice under one key, as by somebody who got no
answer.

Meanwhile, every few seconds (`GAP_SECONDS`, on average), something breaks that the seed chooses:

- a worker is killed with SIGKILL and another begins, or it is frozen until after its leases ran out;
- Postgres is restarted, crashes, or ends connections;
- Cursor's API is slow, cut off, limited, wrong, or does the work and loses the answer;
- webhooks come twice, late, forged, false, or not at all;
- somebody deletes, archives or cancels an agent at Cursor;
- people pause, resume, cancel, skip, retry, send follow-ups, approve, and raise budgets.

The storm lasts until one orchestration in twenty is left. What rests paused, or blocked by its budget, is let go on at
the end, so all of them have to end. The same seed makes the same orders and the same blows; when each one strikes
depends on the machine. A short form of it runs with the tests.

## What must hold after it

Everything is asked of the database, of the simulator's own ledger and of what the workers said.
"""


def entry(plan: Plan, outcome: Outcome, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a run."""
    asked = {name: value for name, value in asdict(plan).items() if name != "blows"}
    found = {name: [*violations] for name, violations in outcome.found.items()}
    return {
        "plan": asked,
        "seconds": round(outcome.seconds),
        "violations": found,
        "figures": outcome.figures,
        "conditions": conditions,
    }


def keep(kept: Mapping[str, Any], reports: Path = REPORTS, document: Path = DOCUMENT) -> None:
    """Write a run down, and the document anew."""
    reports.mkdir(exist_ok=True)
    path = reports / f"{kept['plan']['seed']}.json"
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    document.write_text(render(read_reports(reports)), encoding="utf-8")


def read_reports(reports: Path = REPORTS) -> list[dict[str, Any]]:
    """All that were kept, the oldest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in reports.glob("*.json")]
    return sorted(found, key=lambda kept: kept["conditions"]["measured_at"])


def render(reports: Sequence[Mapping[str, Any]]) -> str:
    """The document of these runs."""
    heads = ("Invariant", "What it says", *(f"Violations, seed {kept['plan']['seed']}" for kept in reports))
    rows = [
        (one.name, one.meaning, *(str(len(kept["violations"].get(one.name, ()))) for kept in reports))
        for one in INVARIANTS
    ]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in [heads, ("---",) * len(heads), *rows])
    return "\n".join([INTRODUCTION, table, *map(_section, reports)])


def _section(kept: Mapping[str, Any]) -> str:
    plan, machine = kept["plan"], dict(kept["conditions"]["machine"])
    place = f"{machine.pop('processor')}, {machine.pop('cores')} cores, {machine.pop('memory')}"
    versions = ", ".join(f"{name} {value}" for name, value in machine.items())
    total = sum(map(len, kept["violations"].values()))
    return "\n".join(
        [
            f"## Seed {plan['seed']}: {total} violations\n",
            f"{plan['orchestrations']} orchestrations, {plan['workers']} workers, {plan['open_at_once']} open at once,"
            f" something broken every {plan['gap_seconds']:g} s; {kept['seconds']} seconds in all.\n",
            *(f"- {line}" for line in in_words(kept["figures"])),
            "",
            f"Run {kept['conditions']['measured_at']}, with a load average of {kept['conditions']['load_before']} just"
            f" before, on {place}; {versions}.",
            "",
        ]
    )
